package org.slrkeras.core.session

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class MeterTest {
    @Test
    fun `the rate counts intervals, the latency is a median`() {
        val meter = Meter()
        for (frame in 0..10) meter.add(frame * 0.1, if (frame == 3) 900.0 else 40.0)
        assertEquals(10.0, meter.framesPerSecond, 1e-9)
        assertEquals(40.0, meter.medianMilliseconds)
    }

    @Test
    fun `only the last frames count`() {
        val meter = Meter(size = 5)
        for (frame in 0 until 100) meter.add(frame.toDouble(), 500.0)
        for (frame in 1..5) meter.add(99 + frame * 0.05, 10.0)
        assertEquals(20.0, meter.framesPerSecond, 1e-6)
        assertEquals(10.0, meter.medianMilliseconds)
    }

    @Test
    fun `nothing seen yet, and a clock that went back, give zero`() {
        val meter = Meter()
        assertEquals(0.0 to 0.0, meter.framesPerSecond to meter.medianMilliseconds)
        meter.add(10.0, 1.0)
        meter.add(1.0, 1.0)
        assertEquals(0.0, meter.framesPerSecond)
    }
}
