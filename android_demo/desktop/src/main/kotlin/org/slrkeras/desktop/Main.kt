package org.slrkeras.desktop

import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.json.JsonException
import org.slrkeras.core.keypoints.HolisticLandmarks
import org.slrkeras.core.keypoints.HolisticTracker
import org.slrkeras.core.keypoints.KeypointOptions
import org.slrkeras.core.pipeline.RecognitionPipeline
import org.slrkeras.core.recognition.Bundle
import org.slrkeras.core.recognition.BundleException
import java.io.File
import kotlin.system.exitProcess

private const val USAGE = """run_on_jvm.sh VIDEO --bundle FOLDER [options]
run_on_jvm.sh VIDEO --landmarks FILE [options]

Run the code of the phone on a desktop JVM: from the pictures of VIDEO to keypoints and glosses, one sentence a line.

  --bundle FOLDER   recognise with this streaming bundle (python -m export.tflite RUN --streaming ...); tracks the face
  --landmarks FILE  write the landmarks of every picture (format: desktop/src/main/kotlin/org/slrkeras/desktop/Landmarks.kt)
  --still           treat each picture on its own: no tracking, no smoothing
  --no-smoothing    do not smooth the points of the body
  --face            track the face
  --palms           search the whole picture for hands that the pose does not locate
  --fps RATE        resample to RATE pictures a second; without this option, every picture at its own time
"""

/** The command line is wrong; the message says how. */
private class UsageException(message: String) : RuntimeException(message)

/** The parsed command line. */
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
    ProcessEngines(python, File(scripts, "engine_process.py"), stages::modelRan).use { engines ->
        val source = ProcessVideoSource(python, File(scripts, "frames_process.py"), video, fps)
        val summary = if (bundle == null) {
            val models = options.models.associateWith { readModel(folder, it.fileName) }
            HolisticTracker(engines, models, options, stages).use { writeLandmarks(source, it, output!!) }
        } else {
            RecognitionPipeline.open(bundle, layoutText(scripts), { readModel(folder, it) }, engines, options, stages)
                .use { printGlosses(source, it, stages).summary() }
        }
        System.err.println(summary)
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

/** Text of the layout file of `slr_keras`, which names the tracker's points. */
private fun layoutText(scripts: File): String {
    val file = File(scripts.absoluteFile, "../../slr_keras/data/layouts/${HolisticLandmarks.LAYOUT}.json")
    if (!file.isFile) throw UsageException("$file is missing; run this inside the repository")
    return file.readText()
}

/** Bytes of one keypoint model. */
private fun readModel(folder: File, name: String): ByteArray {
    val file = File(folder, name)
    if (!file.isFile) throw EngineException("$file is missing; android_demo/tools/fetch_keypoint_models.py gets it")
    return file.readBytes()
}
