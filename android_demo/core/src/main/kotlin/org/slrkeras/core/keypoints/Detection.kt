package org.slrkeras.core.keypoints

import kotlin.math.exp
import kotlin.math.max
import kotlin.math.min

/**
 * Detected object: a box and a few points, as fractions of the picture.
 *
 * @property points x and y of each point
 */
internal class Detection(
    val left: Float,
    val top: Float,
    val right: Float,
    val bottom: Float,
    val points: FloatArray,
    val score: Float,
) {
    private val area get() = (right - left) * (bottom - top)

    /** Intersection over union of two boxes. */
    fun overlap(other: Detection): Float {
        val across = min(right, other.right) - max(left, other.left)
        val down = min(bottom, other.bottom) - max(top, other.top)
        if (across <= 0 || down <= 0) return 0f
        val both = across * down
        return both / (area + other.area - both)
    }

    /** The detection with all coordinates mapped. */
    inline fun mapped(map: (x: Float, y: Float) -> Pair<Float, Float>): Detection {
        val (newLeft, newTop) = map(left, top)
        val (newRight, newBottom) = map(right, bottom)
        val moved = points.copyOf()
        for (at in points.indices step 2) {
            val (x, y) = map(points[at], points[at + 1])
            moved[at] = x
            moved[at + 1] = y
        }
        return Detection(newLeft, newTop, newRight, newBottom, moved, score)
    }
}

/**
 * Decode the output of a detector, as fractions of its input; scores below [threshold] are dropped.
 *
 * @param boxes per anchor: centre, sides and [points] points in pixels; centre and points are relative to the anchor
 * @param scores per anchor, before the sigmoid
 * @param side width and height of the input, in pixels
 */
internal fun decodeDetections(
    boxes: FloatArray,
    scores: FloatArray,
    anchors: Anchors,
    points: Int,
    side: Int,
    threshold: Float,
): List<Detection> {
    val stride = 4 + 2 * points
    val detections = ArrayList<Detection>()
    for (anchor in 0 until anchors.count) {
        val score = sigmoid(scores[anchor].coerceIn(-SCORE_LIMIT, SCORE_LIMIT))
        if (!(score >= threshold)) continue
        val at = anchor * stride
        val x = boxes[at] / side + anchors.x[anchor]
        val y = boxes[at + 1] / side + anchors.y[anchor]
        val width = boxes[at + 2] / side
        val height = boxes[at + 3] / side
        if (!(width >= 0 && height >= 0)) continue
        val placed = FloatArray(2 * points) { index ->
            boxes[at + 4 + index] / side + if (index % 2 == 0) anchors.x[anchor] else anchors.y[anchor]
        }
        if (!(x.isFinite() && y.isFinite() && placed.all { it.isFinite() })) continue
        detections += Detection(x - width / 2, y - height / 2, x + width / 2, y + height / 2, placed, score)
    }
    return detections
}

/**
 * Weighted non-maximum suppression: each group of overlapping detections is replaced by its mean, weighted by score.
 *
 * @param threshold minimum intersection over union with the best detection of a group
 * @return one detection per group with the best score of the group, best first
 */
internal fun weightedSuppression(detections: List<Detection>, threshold: Float = 0.3f): List<Detection> {
    var left = detections.sortedByDescending { it.score }
    val kept = ArrayList<Detection>()
    while (left.isNotEmpty()) {
        val best = left.first()
        // A box without area overlaps nothing, not even itself.
        val (group, others) = left.partition { it === best || it.overlap(best) > threshold }
        kept += mean(group)
        left = others
    }
    return kept
}

private fun mean(group: List<Detection>): Detection {
    val total = group.fold(0f) { sum, one -> sum + one.score }
    fun weighted(value: (Detection) -> Float) = group.fold(0f) { sum, one -> sum + one.score * value(one) } / total
    return Detection(
        weighted { it.left },
        weighted { it.top },
        weighted { it.right },
        weighted { it.bottom },
        FloatArray(group[0].points.size) { index -> weighted { it.points[index] } },
        group[0].score,
    )
}

internal fun sigmoid(value: Float): Float = 1f / (1f + exp(-value))

private const val SCORE_LIMIT = 100f
