package org.slrkeras.core.bundlefile

import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * The place of the bundle that the user chose: a folder that holds a whole, checked bundle or does not exist.
 *
 * @param folder where it lies; its neighbours "NAME.new" and "NAME.old" are used on the way
 * @param check looks at an unpacked bundle and throws [BundleRefused] if it will not do
 */
class BundleStore(
    private val folder: File,
    private val archive: BundleArchive,
    private val check: (File) -> Unit,
) {
    private val incoming = File(folder.path + ".new")
    private val outgoing = File(folder.path + ".old")

    /** The bundle's folder, or null if the user has chosen none. */
    fun current(): File? {
        recover()
        return folder.takeIf { it.isDirectory }
    }

    /**
     * Take the bundle of an archive in place of the one before, or leave everything as it was.
     *
     * @throws BundleRefused if the archive holds no bundle that will do
     * @throws IOException if it cannot be read, or there is no room for it
     */
    fun replace(file: InputStream) {
        recover()
        remove(incoming)
        try {
            archive.unpack(file, incoming)
            check(incoming)
            if (folder.exists()) rename(folder, outgoing)
            rename(incoming, folder)
        } finally {
            recover()
            remove(incoming)
        }
        remove(outgoing)
    }

    /** Go back to what the app brought along. */
    fun forget() {
        remove(outgoing)
        remove(folder)
    }

    /** If an exchange was cut short between its two renames, the bundle from before counts. */
    private fun recover() {
        if (outgoing.exists() && !folder.exists()) rename(outgoing, folder)
    }

    private fun rename(from: File, to: File) {
        remove(to)
        if (!from.renameTo(to)) throw IOException("cannot rename $from to $to")
    }

    private fun remove(what: File) {
        if (what.exists() && !what.deleteRecursively()) throw IOException("cannot delete $what")
    }
}
