package io.github.jrerank.opensearch.client;

import java.nio.file.Path;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.opensearch.threadpool.Scheduler;

/** What a client needs of the node it runs in. */
public record Node(
    Path config,
    Consumer<Runnable> executor,
    BiFunction<Long, Runnable, Scheduler.ScheduledCancellable> scheduler
) {
    Scheduler.Cancellable after(long delayMs, Runnable command) {
        return scheduler.apply(delayMs, command);
    }
}
