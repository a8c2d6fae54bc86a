package org.slrkeras.core.bundlefile

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.Golden
import java.io.File

class BundleCheckTest {
    @TempDir
    lateinit var place: File

    private fun layout(points: List<String>, channels: List<String>): String {
        val names = points + List(HolisticLandmarks.POINTS - points.size) { "other_$it" }
        fun quoted(texts: List<String>) = texts.joinToString(",", "[", "]") { "\"$it\"" }
        return """{"points": ${quoted(names)}, "channels": ${quoted(channels)}}"""
    }

    private val contract = Bundle.read(Golden.bundleFiles()).contract
    private val fitting = layout(contract.points, contract.sourceChannels)

    private fun refusal(layout: String = fitting, damage: (File) -> Unit = {}): Refusal {
        val folder = Golden.bundleFolder(place)
        damage(folder)
        return assertThrows(BundleRefused::class.java) { checkBundle(folder, layout) }.refusal
    }

    @Test
    fun `a whole bundle that fits is taken`() {
        assertEquals(contract.digest, checkBundle(Golden.bundleFolder(place), fitting).contract.digest)
    }

    @Test
    fun `a file that is missing is named incomplete`() {
        for (name in listOf("metadata.json", "keypoints.json", "labels.txt")) {
            assertEquals(Refusal.INCOMPLETE, refusal { File(it, name).delete() }, name)
        }
    }

    @Test
    fun `a model file of which one bit changed is refused`() {
        val found = refusal { folder ->
            val file = File(folder, "stream_fp32.tflite")
            val bytes = file.readBytes()
            bytes[bytes.size / 2] = (bytes[bytes.size / 2].toInt() xor 1).toByte()
            file.writeBytes(bytes)
        }
        assertEquals(Refusal.CHANGED, found)
    }

    @Test
    fun `labels or a contract of another bundle are refused`() {
        assertEquals(Refusal.UNFIT, refusal { File(it, "labels.txt").appendText("ANOTHER\n") })
        assertEquals(Refusal.UNFIT, refusal { File(it, "keypoints.json").writeText("{}") })
        assertEquals(Refusal.UNFIT, refusal { File(it, "metadata.json").writeText("no json") })
    }

    @Test
    fun `a model that sees points which the tracker does not find is refused`() {
        assertEquals(Refusal.UNFIT, refusal(layout(contract.points.drop(1), contract.sourceChannels)))
    }
}
