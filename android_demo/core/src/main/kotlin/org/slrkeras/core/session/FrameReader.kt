package org.slrkeras.core.session

import org.slrkeras.core.image.RgbImage

/**
 * A point to draw: [x] and [y] from 0 to 1 of the picture's width and height, or NaN where nothing was seen.
 */
class DrawnPoint(val x: Float, val y: Float) {
    /** Whether there is anything to draw. */
    val seen: Boolean get() = !x.isNaN() && !y.isNaN()
}

/**
 * What a frame gave.
 *
 * @property points of the skeleton
 * @property bones pairs of indices into [points]
 * @property current the sentence under way, null if it did not change
 * @property finished sentences that ended with this frame
 * @property stages milliseconds of work by stage, in the order in which it was done
 */
class Reading(
    val points: List<DrawnPoint>,
    val bones: List<Pair<Int, Int>>,
    val current: List<Gloss>?,
    val finished: List<Sentence>,
    val stages: Map<String, Double>,
)

/** Reads signing frame by frame: keypoints, recognition and the end of sentences. */
interface FrameReader : AutoCloseable {
    /**
     * Read the next frame.
     *
     * @param image upright and not mirrored; it is not kept
     * @param seconds when it was taken, after the frame before
     */
    fun read(image: RgbImage, seconds: Double): Reading

    /** The source has ended, or pauses: what was still open ends, and the next frame begins anew. */
    fun finish(): List<Sentence>
}
