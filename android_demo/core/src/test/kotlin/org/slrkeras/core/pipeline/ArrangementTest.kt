package org.slrkeras.core.pipeline

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.slrkeras.core.json.JsonException
import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.parseJson
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.Landmarks
import org.slrkeras.core.recognition.BundleException
import org.slrkeras.core.recognition.Contract

class ArrangementTest {
    private val contract = readContract()

    private fun readContract(): Contract {
        val name = "/golden/bundle/keypoints.json"
        val text = checkNotNull(javaClass.getResourceAsStream(name)).use { String(it.readBytes()) }
        return Contract.read(JsonField(parseJson(text, name), name))
    }

    /** A layout of 543 points in which those of the contract stand last to first from 10 on. */
    private fun layout(points: List<String> = contract.points): String {
        val names = List(543) { points.reversed().getOrNull(it - 10) ?: "other_$it" }
        return """{"points": [${names.joinToString { "\"$it\"" }}], "channels": ["x", "y", "z", "score"]}"""
    }

    private fun landmarks(): HolisticLandmarks {
        val pose = Landmarks(FloatArray(4 * 33) { if (it % 4 == 3) 0.5f else it / 400f })
        return HolisticLandmarks(pose, null, null, null, 640, 480)
    }

    @Test
    fun `points go by name, scaled to the image that the model was trained on`() {
        val found = landmarks()
        val values = Arrangement(contract, layout()).arranged(found)
        val pose = checkNotNull(found.pose)
        for ((index, name) in contract.points.withIndex()) {
            val point = 10 + contract.points.size - 1 - index
            val row = 3 * contract.sourcePoints.indexOf(name)
            val width = contract.imageWidth.toFloat()
            val height = contract.imageHeight.toFloat()
            val expected = floatArrayOf(width * pose.x(point), height * pose.y(point), 0.5f)
            assertArrayEquals(expected, values.copyOfRange(row, row + 3), 1e-3f)
        }
    }

    @Test
    fun `a person who is not seen is missing to the model`() {
        val nobody = HolisticLandmarks(null, null, null, null, 640, 480)
        val selected = contract.select(Arrangement(contract, layout()).arranged(nobody))
        assertTrue(contract.points.indices.all { contract.missing(selected, it) })
    }

    @Test
    fun `a model of points that the tracker does not find is refused, and they are named`() {
        val some = contract.points.drop(1)
        val error = assertThrows(BundleException::class.java) { Arrangement(contract, layout(some)) }
        assertTrue(contract.points[0] in error.message.orEmpty())
        assertTrue("1 points of ${contract.layout}" in error.message.orEmpty())
    }

    @Test
    fun `a layout of another number of points is refused`() {
        val short = """{"points": ["nose"], "channels": ["x", "y", "z", "score"]}"""
        assertThrows(JsonException::class.java) { Arrangement(contract, short) }
    }
}
