package io.github.jrerank.opensearch.client;

import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.function.ToDoubleFunction;

/**
 * Of two, the one with less work goes first: whose turn it is, and another by chance. The least loaded of all would be asked by every
 * node at once, on what each has heard a while ago.
 */
final class TwoChoices {
    private TwoChoices() {}

    /**
     * @param order whose turn it is comes first; changed in place
     * @param below a random number from 0 up to its argument
     */
    static <T> void apply(List<T> order, ToDoubleFunction<T> load, IntUnaryOperator below) {
        if (order.size() < 2) {
            return;
        }
        int other = 1 + below.applyAsInt(order.size() - 1);
        if (load.applyAsDouble(order.get(other)) < load.applyAsDouble(order.get(0))) {
            order.add(0, order.remove(other));
        }
    }
}
