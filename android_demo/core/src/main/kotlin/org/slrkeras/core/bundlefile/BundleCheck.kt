package org.slrkeras.core.bundlefile

import org.slrkeras.core.pipeline.Arrangement
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.BundleException
import java.io.File

private val REQUIRED = listOf("metadata.json", "keypoints.json", "labels.txt")

/**
 * Check that an unpacked bundle is complete, unchanged since its export, and fits the tracker.
 *
 * @param layout text of the layout file, which names the tracker's points
 * @return the bundle
 * @throws BundleRefused if the bundle is refused; the message says why
 */
fun checkBundle(folder: File, layout: String): Bundle {
    for (name in REQUIRED) {
        if (!File(folder, name).isFile) throw BundleRefused(Refusal.INCOMPLETE, name)
    }
    val bundle = refusing(Refusal.UNFIT) { Bundle.read(folder) }
    refusing(Refusal.CHANGED) { bundle.modelFile() }
    refusing(Refusal.UNFIT) { Arrangement(bundle.contract, layout) }
    return bundle
}

private fun <T> refusing(refusal: Refusal, action: () -> T): T = try {
    action()
} catch (problem: BundleException) {
    throw BundleRefused(refusal, problem.message.orEmpty(), problem)
}
