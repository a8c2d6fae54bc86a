package org.slrkeras.core.session

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

class FrameGateTest {
    @Test
    fun `a frame that comes during work is dropped and counted`() {
        val gate = FrameGate()
        assertTrue(gate.enter(0.0))
        assertFalse(gate.enter(0.04))
        gate.leave()
        assertTrue(gate.enter(0.08))
        assertEquals(listOf(2L, 1L, 0L), listOf(gate.passed, gate.dropped, gate.late))
    }

    @Test
    fun `a clock that stands or goes back lets nothing in until it passes again`() {
        val gate = FrameGate()
        for ((seconds, passes) in listOf(5.0 to true, 5.0 to false, 4.0 to false, Double.NaN to false, 5.1 to true)) {
            assertEquals(passes, gate.enter(seconds))
            gate.leave()
        }
        assertEquals(3L, gate.late)
    }

    @Test
    fun `a new source begins with a clock of its own`() {
        val gate = FrameGate()
        gate.enter(100.0)
        gate.leave()
        gate.restart()
        assertTrue(gate.enter(0.0))
    }

    @Test
    fun `two threads are never in at once and every frame is counted`() {
        val gate = FrameGate()
        val inside = AtomicInteger()
        val most = AtomicInteger()
        val clock = AtomicInteger()
        List(2) {
            thread {
                repeat(20_000) {
                    if (gate.enter(clock.incrementAndGet().toDouble())) {
                        most.accumulateAndGet(inside.incrementAndGet(), ::maxOf)
                        inside.decrementAndGet()
                        gate.leave()
                    }
                }
            }
        }.forEach { it.join() }
        assertEquals(1, most.get())
        assertEquals(40_000L, gate.passed + gate.dropped + gate.late)
    }
}
