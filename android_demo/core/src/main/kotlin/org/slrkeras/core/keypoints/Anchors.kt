package org.slrkeras.core.keypoints

/**
 * Centres of a single-shot detector's anchors, as fractions of the input's side.
 *
 * The detectors have anchors of one fixed size, 1: only where they are matters. A layer puts two at the centre of every
 * cell; layers of the same stride stand one after the other in the same cell.
 *
 * @param side of the square input, in pixels
 * @param strides pixels between cells, for each layer
 */
internal class Anchors(side: Int, strides: List<Int>) {
    val x: FloatArray
    val y: FloatArray
    val count: Int get() = x.size

    init {
        val columns = ArrayList<Float>()
        val rows = ArrayList<Float>()
        var layer = 0
        while (layer < strides.size) {
            val stride = strides[layer]
            val same = strides.drop(layer).takeWhile { it == stride }.size
            val cells = (side + stride - 1) / stride
            for (row in 0 until cells) {
                for (column in 0 until cells) {
                    repeat(2 * same) {
                        columns += (column + 0.5f) / cells
                        rows += (row + 0.5f) / cells
                    }
                }
            }
            layer += same
        }
        x = columns.toFloatArray()
        y = rows.toFloatArray()
    }
}
