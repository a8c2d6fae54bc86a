package org.slrkeras.core.frames

import java.util.concurrent.locks.ReentrantLock
import kotlin.concurrent.withLock

/**
 * Passes frames from the thread of a live source to a reader that may be slower: only the latest frame waits.
 *
 * Safe for use from several threads.
 */
class LatestFrame {
    private val lock = ReentrantLock()
    private val changed = lock.newCondition()
    private var waiting: Frame? = null
    private var failure: RuntimeException? = null

    /** Whether [end] was called. */
    @Volatile
    var ended = false
        private set

    /** Pass a frame on; it replaces one that still waits, which is released. After [end] it is released itself. */
    fun put(frame: Frame) = lock.withLock {
        waiting?.release()
        waiting = frame
        if (ended) discard() else changed.signalAll()
    }

    /**
     * Wait for a frame.
     *
     * @return a frame that the caller must release, or null after [end]
     * @throws RuntimeException the failure that [end] was given
     */
    fun take(): Frame? = lock.withLock {
        while (waiting == null && !ended) changed.await()
        failure?.let { throw it }
        waiting.also { waiting = null }
    }

    /** No more frames come; [failure] says why if that is an error. Only the first call counts. */
    fun end(failure: RuntimeException? = null): Unit = lock.withLock {
        if (!ended) {
            ended = true
            this.failure = failure
            discard()
            changed.signalAll()
        }
    }

    private fun discard() {
        waiting?.release()
        waiting = null
    }
}
