package org.slrkeras.core.keypoints

import kotlin.math.exp
import kotlin.math.max
import kotlin.math.min

/**
 * Something found in a picture: a box, and a few points on it, all as fractions of the picture.
 *
 * @property points x and y of each point, one after the other
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

    /** Area in both boxes by area in either. */
    fun overlap(other: Detection): Float {
        val across = min(right, other.right) - max(left, other.left)
        val down = min(bottom, other.bottom) - max(top, other.top)
        if (across <= 0 || down <= 0) return 0f
        val both = across * down
        return both / (area + other.area - both)
    }

    /** The same with every coordinate mapped. */
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
 * The detections in a detector's output that have at least [threshold] as their score, as fractions of its input.
 *
 * @param boxes for each anchor: centre, sides, and [points] points, x before y, in pixels; centre and points from the
 *   anchor's
 * @param scores for each anchor, before the sigmoid
 * @param side of the input, in pixels
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
    val found = ArrayList<Detection>()
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
        found += Detection(x - width / 2, y - height / 2, x + width / 2, y + height / 2, placed, score)
    }
    return found
}

/**
 * One detection for each group that overlaps: the mean of the group, weighted by its scores, with its best score.
 *
 * Non-maximum suppression that keeps what the weaker detections know. Best first.
 *
 * @param threshold detections that overlap the best of a group by more belong to it
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
