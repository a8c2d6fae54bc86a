package org.slrkeras.demo

import android.media.Image
import org.slrkeras.core.image.Plane
import org.slrkeras.core.image.YuvFrame
import org.slrkeras.core.image.YuvRange

/** Copies the planes of Android's YUV images to arrays that are used again. Not safe for use from several threads. */
class YuvImages(private val range: YuvRange) {
    private val arrays = Array(PLANES) { ByteArray(0) }

    /** The planes of an image; the next call overwrites them. */
    fun copy(image: Image): YuvFrame {
        val planes = image.planes.mapIndexed { index, plane ->
            val size = plane.buffer.remaining()
            if (arrays[index].size != size) arrays[index] = ByteArray(size)
            plane.buffer.get(arrays[index])
            Plane(arrays[index], plane.rowStride, plane.pixelStride)
        }
        // Decoders pad images to whole blocks: only the crop holds the picture.
        val crop = image.cropRect
        return YuvFrame(crop.right, crop.bottom, planes[0], planes[1], planes[2], range)
    }

    private companion object {
        const val PLANES = 3
    }
}
