package io.github.jrerank.opensearch.answer;

import java.util.ArrayList;
import java.util.List;

/** The whole list in its new order: the window as it was answered, then what is beyond it as it was. */
public final class Ordering {
    /** The scores of unread hits lie this close below the lowest that was read, or below 0. */
    private static final double BELOW = 0.01;
    private static final double HALFWAY = 100;

    private Ordering() {}

    /** `first` holds all first-stage scores, the window's foremost; `minScore` null: no hit is too low. */
    public static List<Ranked> of(List<Ranked> window, List<Float> first, Unread unread, Float minScore) {
        List<Ranked> order = new ArrayList<>(window);
        order.addAll(unchanged(first).subList(window.size(), first.size()));
        if (order.stream().noneMatch(Ranked::isScored)) {
            return order;
        }
        List<Ranked> shown = switch (unread) {
            case KEEP -> order;
            case CUT -> order.stream().filter(Ranked::isScored).toList();
            case BELOW -> withUnreadBelow(order);
        };
        boolean isKept = unread == Unread.KEEP;
        return minScore == null
            ? shown
            : shown.stream().filter(ranked -> ranked.score() >= minScore || isKept && ranked.isScored() == false).toList();
    }

    private static List<Ranked> withUnreadBelow(List<Ranked> order) {
        double lowest = order.stream().filter(Ranked::isScored).mapToDouble(Ranked::score).min().orElse(0);
        double floor = Math.min(0, lowest);
        List<Ranked> shown = new ArrayList<>(order.size());
        float last = (float) floor;
        int place = 0;
        for (Ranked ranked : order) {
            if (ranked.isScored()) {
                shown.add(ranked);
            } else {
                place++;
                // the same on every page; below the last one too where floats are coarser than the step
                last = Math.min((float) (floor - BELOW * place / (place + HALFWAY)), Math.nextDown(last));
                shown.add(new Ranked(ranked.index(), last, false));
            }
        }
        return shown;
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
