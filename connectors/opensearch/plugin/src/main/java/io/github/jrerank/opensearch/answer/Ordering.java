package io.github.jrerank.opensearch.answer;

import java.util.ArrayList;
import java.util.List;

/** The whole list in its new order: the window as it was answered, then what is beyond it as it was. */
public final class Ordering {
    private Ordering() {}

    /** `first` holds all first-stage scores, the window's foremost. */
    public static List<Ranked> of(List<Ranked> window, List<Float> first) {
        List<Ranked> order = new ArrayList<>(window);
        order.addAll(unchanged(first).subList(window.size(), first.size()));
        return order;
    }

    public static List<Ranked> unchanged(List<Float> first) {
        List<Ranked> order = new ArrayList<>(first.size());
        for (int index = 0; index < first.size(); index++) {
            order.add(new Ranked(index, first.get(index), false));
        }
        return order;
    }

    public static <T> List<T> page(List<T> whole, int from, int size) {
        int start = Math.min(from, whole.size());
        return whole.subList(start, Math.min(start + size, whole.size()));
    }
}
