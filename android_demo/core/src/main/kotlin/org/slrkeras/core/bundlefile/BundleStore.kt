package org.slrkeras.core.bundlefile

import java.io.File
import java.io.IOException
import java.io.InputStream

/**
 * Stores the bundle that the user chose, in a folder that holds a complete, checked bundle or does not exist.
 *
 * @param folder folder of the bundle; "NAME.new" and "NAME.old" beside it are used during a replacement
 * @param check checks an unpacked bundle; throws [BundleRefused] to refuse it
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
     * Replace the bundle by that of an archive. After an error the previous bundle is still in place.
     *
     * @throws BundleRefused if the archive holds no valid bundle
     * @throws IOException if the archive cannot be read, or the storage is full
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

    /** Delete the bundle, so that the app uses its own. */
    fun forget() {
        remove(outgoing)
        remove(folder)
    }

    /** Restore the previous bundle if a replacement was interrupted between its two renames. */
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
