package org.slrkeras.desktop

import org.slrkeras.core.frames.FrameSource
import org.slrkeras.core.frames.forEachFrame
import org.slrkeras.core.keypoints.HolisticTracker
import java.io.DataOutputStream
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Write the landmarks of all frames to a file, for comparison with MediaPipe.
 *
 * One record per frame, little-endian: time in milliseconds (float64), width and height (int32), the scores of the left
 * and of the right hand for being a right hand (float32, NaN without a hand), 543 x 4 float32 in pixels.
 *
 * @return a summary: the number of frames and the time per frame
 */
fun writeLandmarks(source: FrameSource, tracker: HolisticTracker, output: File): String {
    var count = 0
    var nanoseconds = 0L
    DataOutputStream(output.outputStream().buffered()).use { stream ->
        source.forEachFrame { frame ->
            val begin = System.nanoTime()
            val landmarks = tracker.track(frame.picture, frame.milliseconds)
            nanoseconds += System.nanoTime() - begin
            val points = landmarks.inPixels()
            val record = ByteBuffer.allocate(24 + 4 * points.size).order(ByteOrder.LITTLE_ENDIAN)
            record.putDouble(frame.milliseconds).putInt(landmarks.width).putInt(landmarks.height)
            record.putFloat(landmarks.left?.rightness ?: Float.NaN).putFloat(landmarks.right?.rightness ?: Float.NaN)
            points.forEach { record.putFloat(it) }
            stream.write(record.array())
            count++
        }
    }
    return "%d pictures: keypoints %.1f ms each".format(count, nanoseconds / 1e6 / maxOf(count, 1))
}
