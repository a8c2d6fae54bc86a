package org.slrkeras.core.keypoints

/**
 * Anchor centres of a single-shot detector, as fractions of the input's side.
 *
 * All anchors have the size 1. A layer has two anchors at the centre of every cell; consecutive layers of the same
 * stride share their cells.
 *
 * @param side width and height of the input, in pixels
 * @param strides cell size of each layer, in pixels
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
