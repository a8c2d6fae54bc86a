package org.slrkeras.desktop

import org.slrkeras.core.keypoints.HolisticTracker
import java.io.DataOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Write the landmarks of a video's pictures to a file, for comparison.
 *
 * For each picture, little-endian: its time in milliseconds (float64), width and height (int32), how right the left and
 * the right hand look (float32, NaN where there is none), 543 x 4 float32 in pixels.
 *
 * @return how many pictures there were, and what they took
 */
fun writeLandmarks(frames: Iterator<Frame>, tracker: HolisticTracker, output: File): String {
    var count = 0
    var nanoseconds = 0L
    DataOutputStream(output.outputStream().buffered()).use { stream ->
        for (frame in frames) {
            val begin = System.nanoTime()
            val found = tracker.track(frame.image, frame.milliseconds)
            nanoseconds += System.nanoTime() - begin
            val points = found.inPixels()
            val record = ByteBuffer.allocate(24 + 4 * points.size).order(ByteOrder.LITTLE_ENDIAN)
            record.putDouble(frame.milliseconds).putInt(found.width).putInt(found.height)
            record.putFloat(found.left?.rightness ?: Float.NaN).putFloat(found.right?.rightness ?: Float.NaN)
            points.forEach { record.putFloat(it) }
            stream.write(record.array())
            count++
        }
    }
    return "%d pictures: keypoints %.1f ms each".format(count, nanoseconds / 1e6 / maxOf(count, 1))
}
