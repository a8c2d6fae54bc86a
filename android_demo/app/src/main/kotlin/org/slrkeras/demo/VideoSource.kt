package org.slrkeras.demo

import android.content.Context
import android.graphics.ImageFormat
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaExtractor
import android.media.MediaFormat
import android.net.Uri
import org.slrkeras.core.frames.Frame
import org.slrkeras.core.frames.FrameSource
import org.slrkeras.core.image.PicturePool
import org.slrkeras.core.image.YuvConverter
import org.slrkeras.core.image.YuvRange
import java.io.IOException

/** Frames of a video file that the user chose, upright, every one of them. */
class VideoSource(private val context: Context, private val uri: Uri) : FrameSource {
    private val converter = YuvConverter()
    private val pool = PicturePool()
    private val extractor = MediaExtractor()
    private val info = MediaCodec.BufferInfo()
    private var images = YuvImages(YuvRange.LIMITED)
    private var codec: MediaCodec? = null
    private var duration = 0L
    private var rotation = 0
    private var fed = false
    private var atEnd = false

    @Volatile
    private var stopped = false

    /** How much of the video the frames so far make up, in percent. */
    var percent = 0
        private set

    /** @throws AppException if the file is not a video that this device decodes */
    override fun start() = guarded {
        extractor.setDataSource(context, uri, null)
        val format = selectTrack()
        duration = if (format.containsKey(MediaFormat.KEY_DURATION)) format.getLong(MediaFormat.KEY_DURATION) else 0
        rotation = (if (format.containsKey(ROTATION)) format.getInteger(ROTATION) else 0).mod(FULL_TURN)
        val decoder = MediaCodec.createDecoderByType(format.getString(MediaFormat.KEY_MIME).orEmpty())
        codec = decoder
        decoder.configure(format, null, null, 0)
        decoder.start()
    }

    /** @throws AppException if the video cannot be decoded */
    override fun next(): Frame? = guarded {
        val decoder = checkNotNull(codec) { "the video was not started" }
        var frame: Frame? = null
        while (frame == null && !stopped && !atEnd) {
            if (!fed) feed(decoder)
            frame = decoded(decoder)
        }
        frame
    }

    override fun stop() {
        stopped = true
    }

    override fun close() {
        stop()
        codec?.release()
        codec = null
        extractor.release()
    }

    private fun selectTrack(): MediaFormat {
        for (track in 0 until extractor.trackCount) {
            val format = extractor.getTrackFormat(track)
            if (format.getString(MediaFormat.KEY_MIME)?.startsWith("video/") == true) {
                extractor.selectTrack(track)
                format.setInteger(
                    MediaFormat.KEY_COLOR_FORMAT,
                    MediaCodecInfo.CodecCapabilities.COLOR_FormatYUV420Flexible,
                )
                return format
            }
        }
        throw IOException("no video track")
    }

    /** Give the decoder the next sample of the file, if it has room for one. */
    private fun feed(decoder: MediaCodec) {
        val index = decoder.dequeueInputBuffer(WAIT_MICROSECONDS)
        if (index < 0) return
        val buffer = decoder.getInputBuffer(index) ?: throw IOException("the decoder gives no buffer")
        val size = extractor.readSampleData(buffer, 0)
        fed = size < 0
        val flags = if (fed) MediaCodec.BUFFER_FLAG_END_OF_STREAM else 0
        decoder.queueInputBuffer(index, 0, size.coerceAtLeast(0), extractor.sampleTime.coerceAtLeast(0), flags)
        extractor.advance()
    }

    /** The frame that the decoder has ready; null if there is none yet. */
    private fun decoded(decoder: MediaCodec): Frame? {
        val index = decoder.dequeueOutputBuffer(info, WAIT_MICROSECONDS)
        if (index == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) images = YuvImages(range(decoder.outputFormat))
        if (index < 0) return null
        val frame = if (info.size > 0) converted(decoder, index) else null
        decoder.releaseOutputBuffer(index, false)
        atEnd = info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0
        return frame
    }

    private fun converted(decoder: MediaCodec, index: Int): Frame {
        val image = decoder.getOutputImage(index)?.takeIf { it.format == ImageFormat.YUV_420_888 }
            ?: throw IOException("its pictures are not of 8-bit YUV 4:2:0")
        val yuv = images.copy(image)
        image.close()
        val picture = pool.take()
        converter.convert(yuv, rotation, picture)
        val time = info.presentationTimeUs
        percent = if (duration > 0) (PERCENT * time / duration).toInt().coerceIn(0, PERCENT) else 0
        return Frame(picture, time / MICROSECONDS, pool = pool)
    }

    private fun range(format: MediaFormat) =
        if (format.containsKey(COLOR_RANGE) && format.getInteger(COLOR_RANGE) == COLOR_RANGE_FULL) YuvRange.FULL
        else YuvRange.LIMITED

    private fun <T> guarded(action: () -> T): T = try {
        action()
    } catch (problem: IOException) {
        throw AppException(AppError.VIDEO, problem.message.orEmpty(), problem)
    } catch (problem: IllegalArgumentException) {
        throw AppException(AppError.VIDEO, problem.message.orEmpty(), problem)
    } catch (problem: IllegalStateException) {
        throw AppException(AppError.VIDEO, problem.message.orEmpty(), problem)
    } catch (problem: SecurityException) {
        throw AppException(AppError.VIDEO, problem.message.orEmpty(), problem)
    }

    private companion object {
        const val WAIT_MICROSECONDS = 10_000L
        const val MICROSECONDS = 1000.0
        const val PERCENT = 100
        const val FULL_TURN = 360

        // Constants of MediaFormat that came after API 23; the keys are older.
        const val ROTATION = "rotation-degrees"
        const val COLOR_RANGE = "color-range"
        const val COLOR_RANGE_FULL = 1
    }
}
