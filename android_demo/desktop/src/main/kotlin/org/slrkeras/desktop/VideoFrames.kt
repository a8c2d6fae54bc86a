package org.slrkeras.desktop

import org.slrkeras.core.keypoints.BytesImage
import java.io.DataInputStream
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * A picture of a video.
 *
 * @property milliseconds from the beginning
 * @property decoded milliseconds that decoding it took
 */
class Frame(val milliseconds: Double, val decoded: Double, val image: BytesImage)

/** The video cannot be read; the message says why. */
class VideoException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/**
 * Pictures of a video, decoded by a Python process with the project's own decoder.
 *
 * @param python interpreter that has slr_keras
 * @param script frames_process.py
 * @param fps pictures a second; all, at their own times, if null
 * @throws VideoException while iterating, too
 */
class VideoFrames(python: String, script: File, private val video: File, fps: Double? = null) :
    Iterator<Frame>, AutoCloseable {
    private val process: Process = try {
        ProcessBuilder(listOf(python, script.path, video.path) + if (fps == null) listOf() else listOf("--fps", "$fps"))
            .redirectError(ProcessBuilder.Redirect.INHERIT).start()
    } catch (error: IOException) {
        throw VideoException("$python cannot be started: ${error.message}", error)
    }
    private val incoming = DataInputStream(process.inputStream.buffered(1 shl 20))
    private var next: Frame? = null
    private var ended = false

    override fun hasNext(): Boolean {
        if (next == null && !ended) next = read()
        return next != null
    }

    override fun next(): Frame {
        if (!hasNext()) throw NoSuchElementException("the video has no more pictures")
        return next!!.also { next = null }
    }

    override fun close() {
        process.destroy()
        process.waitFor()
    }

    private fun read(): Frame? = try {
        when (val kind = incoming.readByte().toInt().toChar()) {
            'F' -> {
                val head = taken(24)
                val milliseconds = head.double
                val decoded = head.double
                val width = head.int
                val height = head.int
                Frame(milliseconds, decoded, BytesImage(width, height, taken(3 * width * height).array()))
            }
            'E' -> null.also { ended = true }
            'X' -> throw VideoException(String(taken(taken(4).int).array()))
            else -> throw VideoException("$video: the process of the pictures sent '$kind'")
        }
    } catch (error: IOException) {
        throw VideoException("$video: the process of the pictures has ended", error)
    }

    private fun taken(size: Int): ByteBuffer =
        ByteBuffer.wrap(ByteArray(size).also(incoming::readFully)).order(ByteOrder.LITTLE_ENDIAN)
}
