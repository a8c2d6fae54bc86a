package org.slrkeras.core.keypoints

import org.slrkeras.core.image.Picture

/** Detects hands in the whole picture, without a pose. */
internal class PalmDetector(private val network: Network, private val threshold: Float) {
    private val crop = Crop(network.side, 0f, 1f, repeatEdge = false)
    private val anchors = Anchors(network.side, listOf(8, 16, 16, 16))

    /** Regions of the hands, best first. */
    fun find(picture: Picture): List<Region> {
        val padding = crop.fill(picture, Region.WHOLE, network.input)
        network.run()
        val (boxes, scores) = network.outputs
        val detections = decodeDetections(boxes, scores, anchors, POINTS, network.side, threshold)
        return weightedSuppression(detections)
            .map { palm -> palm.mapped { x, y -> padding.x(x) to padding.y(y) } }
            .map { palm -> regionOf(palm, picture.width, picture.height) }
            .filter { it.isUsable }
    }

    private fun regionOf(palm: Detection, width: Int, height: Int): Region {
        val turn = Region.rotationTo(
            palm.points[2 * WRIST] * width,
            palm.points[2 * WRIST + 1] * height,
            palm.points[2 * MIDDLE_FINGER] * width,
            palm.points[2 * MIDDLE_FINGER + 1] * height,
            90f,
        )
        return Region(
            (palm.left + palm.right) / 2,
            (palm.top + palm.bottom) / 2,
            palm.right - palm.left,
            palm.bottom - palm.top,
            turn,
        ).squared(2.6f, -0.5f, width, height)
    }

    private companion object {
        const val POINTS = 7
        const val WRIST = 0
        const val MIDDLE_FINGER = 2
    }
}
