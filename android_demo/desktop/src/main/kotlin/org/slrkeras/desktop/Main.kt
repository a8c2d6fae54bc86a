package org.slrkeras.desktop

import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.json.JsonException
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.KeypointModel
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.pipeline.Arrangement
import org.slrkeras.core.pipeline.SignReader
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.BundleException
import org.slrkeras.core.recognition.StreamRecogniser
import java.io.File
import kotlin.system.exitProcess

private const val USAGE = """run_on_jvm.sh VIDEO --bundle FOLDER [options]
run_on_jvm.sh VIDEO --landmarks FILE [options]

The phone's own code on a desk: pictures of VIDEO through the keypoint models, and to glosses, a sentence a line.

  --bundle FOLDER   a streaming bundle (python -m export.tflite RUN --streaming ...); finds the face's points
  --landmarks FILE  write the landmarks of every picture (the format: desktop/src/main/kotlin/org/slrkeras/desktop/Landmarks.kt)
  --still           follow nothing from picture to picture
  --no-smoothing    leave the jitter in
  --face            find the face's points too
  --palms           look in all of the picture for hands that the body does not lead to
  --fps RATE        take so many pictures a second; all without
"""

/** The user's mistake. */
private class UsageException(message: String) : RuntimeException(message)

/** What the user asked for. */
private class Request(arguments: List<String>) {
    val flags = HashSet<String>()
    val values = HashMap<String, String>()
    var video: File? = null

    init {
        var at = 0
        while (at < arguments.size) {
            val argument = arguments[at++]
            when {
                argument in FLAGS -> flags += argument
                argument in VALUES -> {
                    values[argument] = arguments.getOrNull(at++) ?: throw UsageException("$argument needs a value")
                }
                argument.startsWith("-") -> throw UsageException("unknown option $argument; see --help")
                video != null -> throw UsageException("one video at a time: ${video?.path} or $argument")
                else -> video = File(argument)
            }
        }
    }

    private companion object {
        val FLAGS = setOf("--still", "--no-smoothing", "--face", "--palms", "--help")
        val VALUES = setOf("--bundle", "--landmarks", "--fps", "--models", "--python", "--scripts")
    }
}

fun main(arguments: Array<String>) {
    val code = try {
        run(Request(arguments.toList()))
    } catch (error: RuntimeException) {
        when (error) {
            is UsageException, is EngineException, is VideoException, is BundleException, is JsonException -> {
                System.err.println("run_on_jvm: ${error.message}")
                2
            }
            else -> throw error
        }
    }
    exitProcess(code)
}

private fun run(request: Request): Int {
    if ("--help" in request.flags) {
        print(USAGE)
        return 0
    }
    val video = request.video ?: throw UsageException("which video? see --help")
    val output = request.values["--landmarks"]?.let(::File)
    val bundle = request.values["--bundle"]?.let { readBundle(File(it)) }
    if ((bundle == null) == (output == null)) {
        throw UsageException("give --bundle FOLDER or --landmarks FILE; see --help")
    }
    val folder = File(request.values["--models"] ?: throw UsageException("--models FOLDER is missing"))
    val python = request.values["--python"] ?: "python3"
    val scripts = File(request.values["--scripts"] ?: "android_demo/desktop")
    val options = keypointOptions(request.flags, bundle != null)
    val fps = request.values["--fps"]?.let(::rate)
    val stages = Stages()
    ProcessEngines(python, File(scripts, "engine_process.py"), stages::ran).use { engines ->
        val tracker = HolisticTracker(engines, readModels(folder, options), options, stages)
        val told = VideoFrames(python, File(scripts, "frames_process.py"), video, fps).use { frames ->
            if (bundle == null) {
                tracker.use { writeLandmarks(frames, it, output!!) }
            } else {
                val arrangement = Arrangement(bundle.contract, layoutText(scripts))
                val reader = SignReader(tracker, StreamRecogniser(bundle, engines, stopwatch = stages), arrangement)
                reader.use { printGlosses(frames, it, stages).told() }
            }
        }
        System.err.println(told)
    }
    return 0
}

private fun readBundle(folder: File): Bundle {
    if (!folder.isDirectory) throw UsageException("--bundle $folder: there is no such folder")
    return Bundle.read(folder)
}

private fun rate(text: String): Double =
    text.toDoubleOrNull()?.takeIf { it in 1.0..1000.0 } ?: throw UsageException("--fps $text: give 1 to 1000")

private fun keypointOptions(flags: Set<String>, forModel: Boolean) = KeypointOptions(
    still = "--still" in flags,
    smooth = "--no-smoothing" !in flags,
    face = "--face" in flags || forModel,
    palms = "--palms" in flags,
)

/** The names of the tracker's points, from where the library keeps them. */
private fun layoutText(scripts: File): String {
    val file = File(scripts.absoluteFile, "../../slr_keras/data/layouts/${HolisticLandmarks.LAYOUT}.json")
    if (!file.isFile) throw UsageException("$file is missing; run this inside the repository")
    return file.readText()
}

/** The bytes of the models that are needed. */
internal fun readModels(folder: File, options: KeypointOptions): Map<KeypointModel, ByteArray> =
    options.models.associateWith { model ->
        val file = File(folder, model.fileName)
        if (!file.isFile) throw EngineException("$file is missing; android_demo/tools/fetch_keypoint_models.py gets it")
        file.readBytes()
    }
