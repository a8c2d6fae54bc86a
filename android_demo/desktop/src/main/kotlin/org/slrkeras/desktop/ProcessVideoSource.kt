package org.slrkeras.desktop

import org.slrkeras.core.frames.Frame
import org.slrkeras.core.frames.FrameSource
import org.slrkeras.core.image.PicturePool
import java.io.DataInputStream
import java.io.File
import java.io.IOException
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** The video cannot be read; the message says why. */
class VideoException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/**
 * Frames of a video file, decoded by a Python process with the decoder of `slr_keras`.
 *
 * @param python interpreter that has slr_keras
 * @param script frames_process.py, which describes the protocol
 * @param fps frames per second; null for all frames at their own times
 */
class ProcessVideoSource(
    private val python: String,
    private val script: File,
    private val video: File,
    private val fps: Double? = null,
) : FrameSource {
    private val pool = PicturePool()
    private var process: Process? = null
    private var bytes = ByteArray(0)
    private lateinit var incoming: DataInputStream

    @Volatile
    private var ended = false

    /** Time that the process took to decode the last frame. */
    var decodingMilliseconds = 0.0
        private set

    /** @throws VideoException if Python cannot be started */
    override fun start() {
        val options = if (fps == null) listOf() else listOf("--fps", "$fps")
        val started = try {
            ProcessBuilder(listOf(python, script.path, video.path) + options)
                .redirectError(ProcessBuilder.Redirect.INHERIT).start()
        } catch (error: IOException) {
            throw VideoException("$python cannot be started: ${error.message}", error)
        }
        process = started
        incoming = DataInputStream(started.inputStream.buffered(1 shl 20))
    }

    /** @throws VideoException if the video cannot be decoded, or the process fails */
    override fun next(): Frame? = if (ended) null else read()

    override fun stop() {
        ended = true
        process?.destroy()
    }

    override fun close() {
        stop()
        process?.waitFor()
    }

    private fun read(): Frame? = try {
        when (val kind = incoming.readByte().toInt().toChar()) {
            'F' -> frame()
            'E' -> null.also { ended = true }
            'X' -> throw VideoException(String(received(received(4).int).array()))
            else -> throw VideoException("$video: the decoding process sent an unknown message '$kind'")
        }
    } catch (error: IOException) {
        if (!ended) throw VideoException("$video: the decoding process has ended", error)
        null
    }

    private fun frame(): Frame {
        val head = received(24)
        val milliseconds = head.double
        decodingMilliseconds = head.double
        val width = head.int
        val height = head.int
        val size = 3 * width * height
        if (bytes.size < size) bytes = ByteArray(size)
        incoming.readFully(bytes, 0, size)
        val picture = pool.take()
        picture.resize(width, height)
        picture.fillFromRgb(bytes)
        return Frame(picture, milliseconds, pool = pool)
    }

    private fun received(size: Int): ByteBuffer =
        ByteBuffer.wrap(ByteArray(size).also(incoming::readFully)).order(ByteOrder.LITTLE_ENDIAN)
}
