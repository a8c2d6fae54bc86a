package org.slrkeras.demo

import android.content.Context
import android.graphics.ImageFormat
import android.media.MediaCodec
import android.media.MediaCodecInfo
import android.media.MediaExtractor
import android.media.MediaFormat
import android.net.Uri
import org.slrkeras.core.image.RgbImage
import org.slrkeras.core.image.YuvConverter
import org.slrkeras.core.image.YuvRange
import java.io.IOException

/** Decodes a video that the user chose, picture by picture, upright. */
class VideoSource(private val context: Context, private val uri: Uri) {
    private val converter = YuvConverter()

    /**
     * Give every picture in its order; the next overwrites it.
     *
     * @param cancelled asked between pictures
     * @param onPicture the picture, its time in milliseconds, and how much of the video has been read, in percent
     * @throws TroubleException if it is no video that this device decodes
     */
    fun read(cancelled: () -> Boolean, onPicture: (RgbImage, Long, Int) -> Unit) {
        val extractor = MediaExtractor()
        var codec: MediaCodec? = null
        try {
            extractor.setDataSource(context, uri, null)
            val format = selectTrack(extractor)
            codec = MediaCodec.createDecoderByType(format.getString(MediaFormat.KEY_MIME).orEmpty())
            codec.configure(format, null, null, 0)
            codec.start()
            Decoding(extractor, codec, format, onPicture).run(cancelled)
        } catch (problem: IOException) {
            throw TroubleException(Trouble.VIDEO, problem.message.orEmpty(), problem)
        } catch (problem: IllegalArgumentException) {
            throw TroubleException(Trouble.VIDEO, problem.message.orEmpty(), problem)
        } catch (problem: IllegalStateException) {
            throw TroubleException(Trouble.VIDEO, problem.message.orEmpty(), problem)
        } catch (problem: SecurityException) {
            throw TroubleException(Trouble.VIDEO, problem.message.orEmpty(), problem)
        } finally {
            codec?.release()
            extractor.release()
        }
    }

    private fun selectTrack(extractor: MediaExtractor): MediaFormat {
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

    /** One run through the file. */
    private inner class Decoding(
        private val extractor: MediaExtractor,
        private val codec: MediaCodec,
        format: MediaFormat,
        private val onPicture: (RgbImage, Long, Int) -> Unit,
    ) {
        private val duration = number(format, MediaFormat.KEY_DURATION)
        private val rotation = (if (format.containsKey(ROTATION)) format.getInteger(ROTATION) else 0).mod(FULL_TURN)
        private val info = MediaCodec.BufferInfo()
        private var images = YuvImages(YuvRange.LIMITED)
        private var fed = false

        fun run(cancelled: () -> Boolean) {
            while (!cancelled()) {
                if (!fed) feed()
                val index = codec.dequeueOutputBuffer(info, WAIT_MICROSECONDS)
                if (index == MediaCodec.INFO_OUTPUT_FORMAT_CHANGED) images = YuvImages(range(codec.outputFormat))
                if (index < 0) continue
                if (info.size > 0) show(index)
                codec.releaseOutputBuffer(index, false)
                if (info.flags and MediaCodec.BUFFER_FLAG_END_OF_STREAM != 0) return
            }
        }

        private fun feed() {
            val index = codec.dequeueInputBuffer(WAIT_MICROSECONDS)
            if (index < 0) return
            val buffer = codec.getInputBuffer(index) ?: throw IOException("the decoder gives no buffer")
            val size = extractor.readSampleData(buffer, 0)
            fed = size < 0
            val flags = if (fed) MediaCodec.BUFFER_FLAG_END_OF_STREAM else 0
            codec.queueInputBuffer(index, 0, size.coerceAtLeast(0), extractor.sampleTime.coerceAtLeast(0), flags)
            extractor.advance()
        }

        private fun show(index: Int) {
            val image = codec.getOutputImage(index)?.takeIf { it.format == ImageFormat.YUV_420_888 }
                ?: throw IOException("its pictures are not of 8-bit YUV 4:2:0")
            val picture = converter.convert(images.copy(image), rotation)
            image.close()
            val time = info.presentationTimeUs
            val share = if (duration > 0) (PERCENT * time / duration).toInt().coerceIn(0, PERCENT) else 0
            onPicture(picture, time / MICROSECONDS, share)
        }

        private fun range(format: MediaFormat) =
            if (format.containsKey(COLOR_RANGE) && format.getInteger(COLOR_RANGE) == COLOR_RANGE_FULL) YuvRange.FULL
            else YuvRange.LIMITED

        private fun number(format: MediaFormat, key: String) = if (format.containsKey(key)) format.getLong(key) else 0L
    }

    private companion object {
        const val WAIT_MICROSECONDS = 10_000L
        const val MICROSECONDS = 1000L
        const val PERCENT = 100
        const val FULL_TURN = 360

        // Constants of MediaFormat that came after API 23; the keys are older.
        const val ROTATION = "rotation-degrees"
        const val COLOR_RANGE = "color-range"
        const val COLOR_RANGE_FULL = 1
    }
}
