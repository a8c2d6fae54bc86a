package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField
import org.slrkeras.core.json.JsonNull
import org.slrkeras.core.json.JsonText
import org.slrkeras.core.json.parseJson
import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64
import kotlin.math.abs
import kotlin.test.assertEquals
import kotlin.test.assertTrue
import kotlin.test.fail

/** What Python gave; `android_demo/tools/golden.py` writes the files. */
internal object Golden {
    const val TOLERANCE = 1e-5

    /** A resource as bytes. */
    fun bytes(name: String): ByteArray =
        (javaClass.getResourceAsStream("/golden/$name") ?: fail("there is no resource golden/$name"))
            .use { it.readBytes() }

    /** A file of vectors. */
    fun read(name: String) = JsonField(parseJson(String(bytes(name)), name), name)

    /** The files of the little bundle by name. */
    fun bundleFiles(): Map<String, ByteArray> =
        listOf("metadata.json", "keypoints.json", "labels.txt", "stream_fp32.tflite")
            .associateWith { bytes("bundle/$it") }

    /** The little bundle as a folder. */
    fun bundleFolder(to: File): File = to.also {
        bundleFiles().forEach { (name, bytes) -> File(it, name).writeBytes(bytes) }
    }
}

/** Float32 numbers that are written as base64. */
internal fun JsonField.floats(): FloatArray {
    val buffer = ByteBuffer.wrap(Base64.getDecoder().decode(text())).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    return FloatArray(buffer.remaining()).also { buffer.get(it) }
}

internal fun JsonField.numbers(): List<Double> = list().map { (it.value as? JsonText)?.text?.toDouble() ?: it.number() }

internal fun JsonField.ids(): List<Int> = wholes().toList()

internal fun JsonField.isNull() = value === JsonNull

internal fun JsonField.spans(): List<Span> = list().map { Span(it.list()[0].whole(), it.list()[1].whole()) }

/** Rows of equal size. */
internal fun FloatArray.rows(size: Int): List<FloatArray> =
    (0 until this.size / size).map { copyOfRange(it * size, (it + 1) * size) }

internal fun assertNear(expected: FloatArray, found: FloatArray, what: String) {
    assertEquals(expected.size, found.size, what)
    for (place in expected.indices) near(expected[place].toDouble(), found[place].toDouble(), "$what[$place]")
}

internal fun assertNear(expected: List<Double>, found: List<Double>, what: String) {
    assertEquals(expected.size, found.size, what)
    for (place in expected.indices) near(expected[place], found[place], "$what[$place]")
}

private fun near(expected: Double, found: Double, what: String) {
    val allowed = Golden.TOLERANCE * maxOf(1.0, abs(expected))
    assertTrue(expected == found || abs(expected - found) <= allowed, "$what: $expected expected, $found found")
}
