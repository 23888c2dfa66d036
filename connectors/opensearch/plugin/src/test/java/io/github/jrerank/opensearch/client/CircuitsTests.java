package io.github.jrerank.opensearch.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class CircuitsTests {
    private static final long INTERVAL = 1_000;
    private final Circuits circuits = new Circuits("[main] at http://sidecar", 2, INTERVAL);

    private void fail(String reason, String work) {
        circuits.fail(new Failure(reason), work, 0);
        circuits.fail(new Failure(reason), work, 0);
    }

    @Test
    void whatIsWrongWithTheSidecarIsWrongForAll() {
        fail(Failure.UNREACHABLE, "[books]");
        assertTrue(circuits.isOpenForAll());
        assertTrue(circuits.isOpen("[titles]"));
        circuits.answerProbe(0);
        assertFalse(circuits.isOpen("[titles]"));
    }

    @Test
    void whatTakesTooLongIsOneKindOfWork() {
        fail(Failure.TIMEOUT, "[books]");
        assertFalse(circuits.isOpenForAll());
        assertTrue(circuits.isOpen("[books]"));
        assertFalse(circuits.isOpen("[titles]"));
        assertEquals(List.of("[books]"), circuits.openFor());
    }

    @Test
    void aProbeSaysLittleOfWork() {
        fail(Failure.TIMEOUT, "[books]");
        circuits.answerProbe(INTERVAL - 1);
        assertTrue(circuits.isOpen("[books]"));
        circuits.answerProbe(INTERVAL);
        assertFalse(circuits.isOpen("[books]"));
        assertTrue(circuits.fail(new Failure(Failure.TIMEOUT), "[books]", INTERVAL));
    }

    @Test
    void callersCannotMakeAnyNumberOfThem() {
        for (int kind = 0; kind <= Circuits.MAX_KINDS; kind++) {
            fail("status_413", "[docs] with [window " + kind + "]");
        }
        assertEquals(Circuits.MAX_KINDS, circuits.openFor().size());
        assertFalse(circuits.isOpen("[docs]"));
        assertTrue(circuits.isOpen("[docs] with [window 1]"));
    }

    @Test
    void oneRowOfProbesAtATime() {
        assertFalse(circuits.startProbing());
        fail(Failure.UNREACHABLE, "[books]");
        assertTrue(circuits.startProbing());
        circuits.succeed("[books]");
        fail(Failure.UNREACHABLE, "[books]");
        assertFalse(circuits.startProbing());
        assertTrue(circuits.continueProbing());
        circuits.succeed("[books]");
        assertFalse(circuits.continueProbing());
        fail(Failure.UNREACHABLE, "[books]");
        assertTrue(circuits.startProbing());
    }

    @Test
    void kindsOfWorkThatDoWellAreForgotten() {
        for (int number = 0; number < 5_000; number++) {
            circuits.fail(new Failure(Failure.TIMEOUT), "[" + number + "]", 0);
        }
        assertFalse(circuits.isAnyOpen());
    }

    @Test
    void aRefusalIsToldInTheSidecarsOwnWords() {
        byte[] body = "{\"error\":\"no store docs\"}\n".getBytes(StandardCharsets.UTF_8);
        assertEquals("status_404: {\"error\":\"no store docs\"}", Failure.status(404, body).words());
        assertTrue(Failure.status(500, new byte[10_000]).words().length() < 400);
    }
}
