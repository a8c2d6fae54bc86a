package org.slrkeras.core.bundlefile

import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.zip.ZipException
import java.util.zip.ZipInputStream

/** Why a model file was refused. */
enum class Refusal { NOT_AN_ARCHIVE, UNSAFE_NAME, TOO_LARGE, INCOMPLETE, CHANGED, UNFIT }

/** A model file was refused for the reason [refusal]; [what] names the file or the number concerned. */
class BundleRefused(val refusal: Refusal, val what: String, cause: Throwable? = null) :
    Exception("$refusal: $what", cause)

/**
 * Unpacks a bundle's zip file.
 *
 * A bundle is flat: its files are at the top of the archive or in one folder of it. Nothing is written outside of the
 * target, and unpacking stops at the limits.
 *
 * @param maximumBytes maximum size of all files together, unpacked
 * @param maximumFiles maximum number of files
 */
class BundleArchive(
    private val maximumBytes: Long = 256L * 1024 * 1024,
    private val maximumFiles: Int = 64,
) {
    /**
     * Write the files of an archive to a new folder.
     *
     * @throws BundleRefused if the file is not an archive, or the archive cannot be a bundle
     * @throws IOException if a file cannot be read or written
     */
    fun unpack(archive: InputStream, target: File) {
        if (!target.isDirectory && !target.mkdirs()) throw IOException("cannot make the folder $target")
        try {
            val files = ZipInputStream(archive.buffered()).use { unpackEntries(it, target) }
            if (files == 0) throw BundleRefused(Refusal.NOT_AN_ARCHIVE, "no file")
        } catch (broken: ZipException) {
            throw BundleRefused(Refusal.NOT_AN_ARCHIVE, broken.message ?: "", broken)
        } catch (foreign: IllegalArgumentException) {
            // Android and Java throw this for names that are not UTF-8.
            throw BundleRefused(Refusal.UNSAFE_NAME, foreign.message ?: "", foreign)
        }
    }

    private fun unpackEntries(zip: ZipInputStream, target: File): Int {
        var room = maximumBytes
        val written = HashSet<String>()
        var folder: String? = null
        while (true) {
            val entry = zip.nextEntry ?: return written.size
            val parts = safeParts(entry.name)
            if (entry.isDirectory) continue
            val inside = parts.dropLast(1).joinToString("/")
            if (parts.size > 2 || (folder ?: inside) != inside) throw BundleRefused(Refusal.UNSAFE_NAME, entry.name)
            folder = inside
            if (!written.add(parts.last())) throw BundleRefused(Refusal.UNSAFE_NAME, entry.name)
            if (written.size > maximumFiles) throw BundleRefused(Refusal.TOO_LARGE, "$maximumFiles")
            room -= copy(zip, File(target, parts.last()), room)
        }
    }

    /** The parts of an entry's name; a name that could lead out of the target folder is refused. */
    private fun safeParts(name: String): List<String> {
        val parts = name.removeSuffix("/").split('/')
        val unsafe = parts.any { it.isEmpty() || it == "." || it == ".." || it.any(::isUnsafe) }
        if (unsafe) throw BundleRefused(Refusal.UNSAFE_NAME, name)
        return parts
    }

    private fun isUnsafe(letter: Char) = letter == '\\' || letter == ':' || letter.isISOControl()

    private fun copy(from: InputStream, to: File, room: Long): Long {
        val buffer = ByteArray(BUFFER)
        var total = 0L
        to.outputStream().use { out ->
            while (true) {
                val count = from.read(buffer)
                if (count < 0) return total
                total += count
                if (total > room) throw BundleRefused(Refusal.TOO_LARGE, "$maximumBytes")
                out.write(buffer, 0, count)
            }
        }
    }

    private companion object {
        const val BUFFER = 65536
    }
}
