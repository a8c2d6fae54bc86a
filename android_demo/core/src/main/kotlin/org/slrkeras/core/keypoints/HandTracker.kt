package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture
import kotlin.math.cos
import kotlin.math.sin

/**
 * A hand.
 *
 * @property landmarks 21 points: the wrist, then four points per finger, thumb first
 * @property rightness probability, 0 to 1, that the shape is that of a right hand
 */
class Hand(val landmarks: Landmarks, val rightness: Float) {
    companion object {
        /** Landmarks of a hand. */
        const val POINTS = 21
    }
}

/** Locates a hand from wrist, little finger and index finger of the pose, and refines the region with a model. */
internal class HandRegionFinder(private val network: Network) {
    private val crop = Crop(network.side, 0f, 1f, repeatEdge = true)

    /** Region of a hand; null if the wrist is not visible. */
    fun find(picture: Picture, pose: Landmarks, wrist: Int, little: Int, index: Int): Region? {
        if (!(pose.score(wrist) > LEAST_VISIBILITY)) return null
        // Approximate knuckle of the middle finger.
        val x = (2 * pose.x(index) + pose.x(little)) / 3
        val y = (2 * pose.y(index) + pose.y(little)) / 3
        val turn = Region.rotationTo(
            pose.x(wrist) * picture.width,
            pose.y(wrist) * picture.height,
            x * picture.width,
            y * picture.height,
            UPWARDS,
        )
        val around = Region.aligned(x, y, pose.x(wrist), pose.y(wrist), UPWARDS, picture.width, picture.height)
        val rough = Region(x, y, around.width, around.height, turn)
            .squared(ROUGH_MARGIN, SHIFT, picture.width, picture.height)
        return if (rough.isUsable) refined(picture, rough) else null
    }

    private fun refined(picture: Picture, rough: Region): Region? {
        val padding = crop.fill(picture, rough, network.input)
        network.run()
        val raw = network.outputs[0]
        val decoded = Landmarks(2)
        for (point in 0 until 2) {
            decoded[point, 0] = raw[2 * point] / network.side
            decoded[point, 1] = raw[2 * point + 1] / network.side
        }
        val circle = decoded.projected(rough, padding)
        return Region.aligned(
            circle.x(0),
            circle.y(0),
            circle.x(1),
            circle.y(1),
            DOWNWARDS,
            picture.width,
            picture.height,
        ).squared(1f, SHIFT, picture.width, picture.height).takeIf { it.isUsable }
    }

    private companion object {
        const val LEAST_VISIBILITY = 0.1f
        const val UPWARDS = 90f
        const val DOWNWARDS = -90f
        const val ROUGH_MARGIN = 2.7f
        const val SHIFT = -0.1f
    }
}

/** Finds the landmarks of a hand in a region. */
internal class HandModel(private val network: Network) {
    private val crop = Crop(network.side, 0f, 1f, repeatEdge = true)

    /** The hand; null if there is none. */
    fun find(picture: Picture, region: Region): Hand? {
        val padding = crop.fill(picture, region, network.input)
        network.run()
        val (raw, present, rightness) = network.outputs
        if (!(present[0] > LEAST_PRESENCE)) return null
        val landmarks = decodeLandmarks(raw, Hand.POINTS, network.side, depth = DEPTH).projected(region, padding)
        return if (landmarks.isFinite) Hand(landmarks, rightness[0]) else null
    }

    private companion object {
        const val LEAST_PRESENCE = 0.5f
        const val DEPTH = 0.4f
    }
}

/** Tracks one hand. */
internal class HandTracker(private val model: HandModel, private val follow: Boolean) {
    private val following = Following(degrees = 40f, shift = 0.2f, growth = 0.4f, margin = -0.1f)
    private var last: Landmarks? = null

    /** Forget the tracked hand. */
    fun reset() {
        last = null
    }

    /**
     * Find the hand in a picture.
     *
     * @param fresh region that the pose or a detector predicts; null if neither locates the hand
     */
    fun track(picture: Picture, fresh: Region?): Hand? {
        val hand = fresh?.let {
            val region = last?.let { seen -> aroundHand(seen, picture.width, picture.height) }
            model.find(picture, following.choose(last, region, it, picture.width, picture.height))
        }
        last = hand?.landmarks?.takeIf { follow }
        return hand
    }
}

/** Region of a hand whose landmarks in the last picture are [hand]. */
internal fun aroundHand(hand: Landmarks, width: Int, height: Int): Region {
    // Mean of the middle knuckle and of the centre between index and ring knuckle.
    val x = ((hand.x(INDEX) + hand.x(RING)) / 2 + hand.x(MIDDLE)) / 2
    val y = ((hand.y(INDEX) + hand.y(RING)) / 2 + hand.y(MIDDLE)) / 2
    val turn = Region.rotationTo(hand.x(WRIST) * width, hand.y(WRIST) * height, x * width, y * height, 90f)
    val palm = Landmarks(PALM.size)
    PALM.forEachIndexed { to, from ->
        palm[to, 0] = hand.x(from)
        palm[to, 1] = hand.y(from)
    }
    return boundingRegion(palm, turn, width, height).squared(2f, -0.1f, width, height)
}

private const val WRIST = 0
private const val INDEX = 5
private const val MIDDLE = 9
private const val RING = 13

/** Points of the palm: wrist, thumb without its tip, lower joints of the fingers. */
private val PALM = intArrayOf(0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)

/** The smallest region of a given rotation that contains all points. */
internal fun boundingRegion(landmarks: Landmarks, rotation: Float, width: Int, height: Int): Region {
    val cosine = cos(rotation)
    val sine = sin(rotation)
    var left = Float.POSITIVE_INFINITY
    var top = Float.POSITIVE_INFINITY
    var right = Float.NEGATIVE_INFINITY
    var bottom = Float.NEGATIVE_INFINITY
    for (point in 0 until landmarks.count) {
        val x = landmarks.x(point) * width
        val y = landmarks.y(point) * height
        val across = x * cosine + y * sine
        val down = y * cosine - x * sine
        left = minOf(left, across)
        right = maxOf(right, across)
        top = minOf(top, down)
        bottom = maxOf(bottom, down)
    }
    val across = (left + right) / 2
    val down = (top + bottom) / 2
    return Region(
        (across * cosine - down * sine) / width,
        (across * sine + down * cosine) / height,
        (right - left) / width,
        (bottom - top) / height,
        rotation,
    )
}
