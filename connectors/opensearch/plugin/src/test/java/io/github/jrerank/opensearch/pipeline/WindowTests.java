package io.github.jrerank.opensearch.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WindowTests {
    @Test
    void aPageThatNoEngineGivesIsLeftToItToRefuse() {
        assertEquals(new Window(0, Integer.MAX_VALUE, true), Window.of(5, Integer.MAX_VALUE, 100, 10_000));
    }
}
