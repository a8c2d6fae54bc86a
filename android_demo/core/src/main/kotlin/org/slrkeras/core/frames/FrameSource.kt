package org.slrkeras.core.frames

/**
 * Frames in the order of their times: of a camera, of a video file, of another process.
 *
 * One thread calls [start], [next] and [close]; any thread may call [stop]. A source is used once. Each implementation
 * throws an exception of its own, which says why the source cannot be read.
 */
interface FrameSource : AutoCloseable {
    /** Open the source. */
    fun start()

    /**
     * Wait for the next frame.
     *
     * @return a frame that the caller must release, or null after the last frame and after [stop]
     */
    fun next(): Frame?

    /** End early: a waiting [next] and all later calls return null. */
    fun stop()

    /** Stop, and give all resources back. */
    override fun close()
}

/** Open a source, call [action] for each of its frames, release each frame afterwards, and close the source. */
inline fun FrameSource.forEachFrame(action: (Frame) -> Unit) = use {
    start()
    while (true) {
        val frame = next() ?: break
        try {
            action(frame)
        } finally {
            frame.release()
        }
    }
}
