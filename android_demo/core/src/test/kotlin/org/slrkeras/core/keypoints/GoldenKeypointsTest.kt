package org.slrkeras.core.keypoints

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.image.Picture
import kotlin.math.abs

class GoldenKeypointsTest {
    @Test
    fun `anchors are counted and placed as the detectors were trained with`() {
        for (case in golden("anchors").list()) {
            val anchors = Anchors(case["side"].whole(), case["strides"].wholes().toList())
            assertEquals(case["count"].whole(), anchors.count)
            case["places"].wholes().zip(case["centres"].list()).forEach { (place, centre) ->
                assertArrayEquals(centre.floats(), floatArrayOf(anchors.x[place], anchors.y[place]), 1e-6f)
            }
            val sum = floatArrayOf(anchors.x.sum(), anchors.y.sum())
            assertArrayEquals(case["sum"].floats(), sum, 0.01f)
        }
    }

    @Test
    fun `crops of pictures stored in any orientation are OpenCV's of the upright one`() {
        val golden = golden("crops")
        val (width, height) = golden["size"].wholes()
        val side = golden["side"].whole()
        for (case in golden["cases"].list()) {
            for (packed in listOf(false, true)) {
                val picture = patternImage(width, height, case["rotation"].whole(), packed)
                assertEquals(width to height, picture.width to picture.height)
                val found = FloatArray(3 * side * side)
                val crop = Crop(side, 0f, 255f, case["repeatEdge"].boolean())
                val padding = crop.fill(picture, case["region"].region(), found, case["keepShape"].boolean())
                assertArrayEquals(case["padding"].floats(), floatArrayOf(padding.horizontal, padding.vertical), 1e-6f)
                val apart = case["expected"].floats().zip(found.toTypedArray()) { a, b -> abs(a - b) }
                // A position between two steps of 1/32 pixel may be rounded either way.
                assertTrue(apart.count { it > 1 } <= 4, "${apart.count { it > 1 }} values differ")
                assertTrue(apart.all { it <= 8 }, "apart by ${apart.maxOrNull()}")
            }
        }
    }

    @Test
    fun `black and white become the ends of the model's range`() {
        val values = FloatArray(3)
        val picture = Picture(1, 1, intArrayOf(0xFF00FF))
        Crop(1, -1f, 1f, repeatEdge = true).fill(picture, Region.WHOLE, values)
        assertArrayEquals(floatArrayOf(1f, -1f, 1f), values)
    }

    private val detections = golden("detections")

    private fun decoded() = decodeDetections(
        detections["boxes"].floats(),
        detections["scores"].floats(),
        Anchors(detections["side"].whole(), detections["strides"].wholes().toList()),
        detections["points"].whole(),
        detections["side"].whole(),
        0.5f,
    )

    private fun assertSameDetections(expected: List<FloatArray>, found: List<Detection>) {
        assertEquals(expected.size, found.size)
        expected.zip(found).forEach { (numbers, one) ->
            val values = floatArrayOf(one.left, one.top, one.right, one.bottom, *one.points, one.score)
            assertArrayEquals(numbers, values, 1e-5f)
        }
    }

    @Test
    fun `a detector's output is decoded as NumPy does`() {
        assertSameDetections(detections["decoded"].list().map { it.floats() }, decoded())
    }

    @Test
    fun `overlapping detections become their mean by score`() {
        val merged = weightedSuppression(decoded())
        assertEquals(true, merged.size < decoded().size)
        assertSameDetections(detections["merged"].list().map { it.floats() }, merged)
    }

    @Test
    fun `suppression ends for boxes without area`() {
        val point = Detection(0.5f, 0.5f, 0.5f, 0.5f, FloatArray(2), 0.9f)
        assertEquals(2, weightedSuppression(listOf(point, Detection(0f, 0f, 0f, 0f, FloatArray(2), 0.8f))).size)
    }

    @Test
    fun `detections of no number are dropped`() {
        val anchors = Anchors(8, listOf(8))
        val good = floatArrayOf(0f, 0f, 4f, 4f, 0f, 0f)
        for (place in good.indices) {
            val bad = good.copyOf().also { it[place] = Float.NaN }
            assertEquals(1, decodeDetections(bad + good, floatArrayOf(3f, 3f), anchors, 1, 8, 0.5f).size)
        }
        assertEquals(1, decodeDetections(good + good, floatArrayOf(Float.NaN, 3f), anchors, 1, 8, 0.5f).size)
    }

    @Test
    fun `points move to the centre of a sure heatmap, and stay where it is not sure or they are outside`() {
        val golden = golden("heatmap")
        val points = golden["points"].list().map { it.floats() }
        val landmarks = Landmarks(points.flatMap { it.toList() + listOf(7f, 0.5f) }.toFloatArray())
        refineByHeatmap(landmarks, golden["map"].floats(), golden["side"].whole(), golden["window"].whole())
        golden["expected"].list().forEachIndexed { point, expected ->
            assertArrayEquals(expected.floats(), floatArrayOf(landmarks.x(point), landmarks.y(point)), 1e-5f)
            assertEquals(7f to 0.5f, landmarks.z(point) to landmarks.score(point))
        }
    }

    @Test
    fun `smoothing at uneven times is the one-euro filter's`() {
        val golden = golden("smoothing")
        val filter = Smoothing(1, golden["minimumCutoff"].number(), golden["speedWeight"].number())
        val times = golden["times"].list().map { it.number() }
        val size = golden["size"].number().toFloat()
        times.forEachIndexed { index, time ->
            val landmarks = Landmarks(golden["values"].list()[index].floats() + 1f)
            filter.apply(landmarks, time, size, golden["width"].whole(), golden["height"].whole())
            assertArrayEquals(golden["expected"].list()[index].floats(), landmarks.values.copyOf(3), 1e-5f)
        }
    }

    @Test
    fun `smoothing starts again when time does not go on, or after a reset`() {
        val filter = Smoothing(1, 0.05, 80.0)
        fun smoothed(x: Float, time: Double) = Landmarks(floatArrayOf(x, 0f, 0f, 1f)).also {
            filter.apply(it, time, 100f, 640, 480)
        }.x(0)
        assertEquals(0.5f, smoothed(0.5f, 1.0), 1e-6f)
        assertEquals(true, smoothed(0.51f, 1.03) < 0.51f - 1e-4f)
        assertEquals(0.7f, smoothed(0.7f, 0.5), 1e-6f)
        filter.reset()
        assertEquals(0.9f, smoothed(0.9f, 2.0), 1e-6f)
    }

    @Test
    fun `scores are mixed into those before, a tenth at a time`() {
        val filter = ScoreSmoothing(1)
        fun smoothed(score: Float) = Landmarks(floatArrayOf(0f, 0f, 0f, score)).also(filter::apply).score(0)
        assertEquals(1f, smoothed(1f))
        assertEquals(0.9f, smoothed(0f), 1e-6f)
        assertEquals(0.81f, smoothed(0f), 1e-6f)
        filter.reset()
        assertEquals(0.2f, smoothed(0.2f))
    }

    @Test
    fun `landmarks are fractions of the input, with depth and visibility as the model means them`() {
        val raw = floatArrayOf(64f, 32f, -16f, 0f, 9f, 128f, 0f, 8f, 2f, 9f)
        val found = decodeLandmarks(raw, 2, 128, stride = 5, scored = true, depth = 0.5f)
        assertArrayEquals(floatArrayOf(0.5f, 0.25f, -0.25f, 0.5f), found.values.copyOf(4), 1e-6f)
        assertEquals(1 / (1 + kotlin.math.exp(-2f)), found.score(1), 1e-6f)
    }
}
