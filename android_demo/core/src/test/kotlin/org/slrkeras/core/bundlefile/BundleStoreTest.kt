package org.slrkeras.core.bundlefile

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import kotlin.random.Random

class BundleStoreTest {
    @TempDir
    lateinit var place: File

    private val folder get() = File(place, "inside/bundle")

    private fun zip(vararg entries: Pair<String, ByteArray>): InputStream {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in entries) {
                zip.putNextEntry(ZipEntry(name))
                zip.write(content)
                zip.closeEntry()
            }
        }
        return ByteArrayInputStream(bytes.toByteArray())
    }

    private fun store(archive: BundleArchive = BundleArchive(), check: (File) -> Unit = {}) =
        BundleStore(folder, archive, check)

    private fun refusal(of: () -> Unit) = assertThrows(BundleRefused::class.java, of).refusal

    private fun everything() = place.walk().filter { it.isFile }.map { it.relativeTo(place).path }.toSet()

    @Test
    fun `an archive's files come to lie in the folder`() {
        store().replace(zip("a" to byteArrayOf(1), "b" to byteArrayOf(2)))
        assertEquals(setOf("inside/bundle/a", "inside/bundle/b"), everything())
    }

    @Test
    fun `files together in one folder of the archive are taken too`() {
        store().replace(zip("demo/" to byteArrayOf(), "demo/a" to byteArrayOf(1)))
        assertEquals(setOf("inside/bundle/a"), everything())
    }

    @Test
    fun `names that lead elsewhere are refused and nothing is written`() {
        for (name in listOf(
            "../a", "..", "/etc/a", "a/../../b", "demo/../../../b", "a//b", "./a", "..\\a", "C:a", "a\u0000b", "x/y/z",
        )) {
            assertEquals(Refusal.UNSAFE_NAME, refusal { store().replace(zip(name to byteArrayOf(1))) }, name)
            assertEquals(emptySet<String>(), everything(), name)
        }
    }

    @Test
    fun `two files in different folders are refused`() {
        val archive = zip("one/a" to byteArrayOf(1), "two/b" to byteArrayOf(1))
        assertEquals(Refusal.UNSAFE_NAME, refusal { store().replace(archive) })
    }

    @Test
    fun `what grows beyond the limits is refused`() {
        val small = BundleArchive(maximumBytes = 1000, maximumFiles = 2)
        val bomb = zip("a" to ByteArray(600), "b" to ByteArray(600))
        assertEquals(Refusal.TOO_LARGE, refusal { store(small).replace(bomb) })
        val many = zip("a" to ByteArray(1), "b" to ByteArray(1), "c" to ByteArray(1))
        assertEquals(Refusal.TOO_LARGE, refusal { store(small).replace(many) })
        assertEquals(emptySet<String>(), everything())
    }

    @Test
    fun `random bytes, an empty file and a truncated archive never become a bundle`() {
        val random = Random(1)
        val whole = zip("a" to random.nextBytes(5000)).readBytes()
        val inputs = List(50) { random.nextBytes(it * 7) } + whole.copyOf(whole.size / 2) + byteArrayOf()
        for (bytes in inputs) {
            val problem = assertThrows(Exception::class.java) { store().replace(ByteArrayInputStream(bytes)) }
            assertTrue(problem is BundleRefused || problem is IOException) { "$problem" }
            assertEquals(emptySet<String>(), everything())
        }
    }

    @Test
    fun `a bundle that the check refuses leaves the one from before`() {
        store().replace(zip("old" to byteArrayOf(1)))
        val strict = store { throw BundleRefused(Refusal.CHANGED, "new") }
        assertEquals(Refusal.CHANGED, refusal { strict.replace(zip("new" to byteArrayOf(1))) })
        assertEquals(setOf("inside/bundle/old"), everything())
    }

    @Test
    fun `an exchange that was cut short gives back the bundle from before`() {
        store().replace(zip("old" to byteArrayOf(1)))
        assertTrue(folder.renameTo(File(folder.path + ".old")))
        assertEquals(folder, store().current())
        assertEquals(setOf("inside/bundle/old"), everything())
    }

    @Test
    fun `forgetting leaves nothing`() {
        store().replace(zip("a" to byteArrayOf(1)))
        store().forget()
        assertNull(store().current())
        assertEquals(emptySet<String>(), everything())
    }
}
