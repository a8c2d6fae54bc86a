package org.slrkeras.core.frames

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.image.PicturePool
import kotlin.concurrent.thread

class FrameTest {
    private val pool = PicturePool()

    private fun frame(milliseconds: Double = 0.0) = Frame(pool.take(), milliseconds, pool = pool)

    @Test
    fun `a picture returns to its pool after the last of its users`() {
        val frame = frame()
        frame.retain()
        frame.release()
        val other = pool.take()
        assertNotSame(frame.picture, other)
        frame.release()
        assertSame(frame.picture, pool.take())
    }

    @Test
    fun `a use after the last release is an error`() {
        val frame = frame()
        frame.release()
        assertThrows(IllegalStateException::class.java) { frame.release() }
        assertThrows(IllegalStateException::class.java) { frame().also { it.release() }.retain() }
    }

    /** Gives [count] frames, and remembers what was done to it. */
    private inner class Source(private var count: Int) : FrameSource {
        val calls = ArrayList<String>()
        private var stopped = false

        override fun start() {
            calls += "start"
        }

        override fun next() = if (stopped || count-- == 0) null else frame()

        override fun stop() {
            stopped = true
        }

        override fun close() {
            calls += "close"
        }
    }

    @Test
    fun `a source is opened, read in one picture, and closed`() {
        val source = Source(100)
        var seen = 0
        source.forEachFrame { seen++ }
        assertEquals(100, seen)
        assertEquals(listOf("start", "close"), source.calls)
        assertEquals(1, pool.made)
    }

    @Test
    fun `a source that is stopped ends, and one whose reader fails is closed`() {
        val stopped = Source(100)
        var seen = 0
        stopped.forEachFrame { if (++seen == 3) stopped.stop() }
        assertEquals(3, seen)
        val failing = Source(100)
        assertThrows(IllegalStateException::class.java) { failing.forEachFrame { error("no more") } }
        assertEquals(listOf("start", "close"), failing.calls)
        assertEquals(1, pool.made)
    }

    @Test
    fun `of the frames that wait only the latest is read`() {
        val latest = LatestFrame()
        for (time in listOf(1.0, 2.0, 3.0)) latest.put(frame(time))
        val taken = checkNotNull(latest.take())
        assertEquals(3.0, taken.milliseconds)
        taken.release()
        // The picture that waits, and the one that replaces it.
        assertEquals(2, pool.made)
    }

    @Test
    fun `an end wakes a reader that waits, and releases all frames`() {
        val latest = LatestFrame()
        var taken: Frame? = frame()
        val reader = thread { taken = latest.take() }
        while (reader.state != Thread.State.WAITING) Thread.sleep(1)
        latest.end()
        reader.join()
        assertNull(taken)
        val late = frame()
        latest.put(late)
        assertThrows(IllegalStateException::class.java) { late.release() }
        assertTrue(latest.ended)
    }

    @Test
    fun `a failure reaches the reader, and one after the end does not`() {
        val failed = LatestFrame().also { it.end(IllegalArgumentException("camera")) }
        assertThrows(IllegalArgumentException::class.java) { failed.take() }
        val ended = LatestFrame()
        ended.end()
        ended.end(IllegalArgumentException("camera"))
        assertNull(ended.take())
    }
}
