package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField

/**
 * Description of a streaming model: `streaming` of `metadata.json`, which `export/lite/streaming.py` writes.
 *
 * @property frames number of frames per call
 * @property delay number of calls whose row of scores is not valid yet
 * @property signature signature of the model files
 * @property inputs shapes by name
 * @property outputs shapes by name
 * @property blank class of the CTC blank
 * @property farthest limit of coordinates; values beyond are clipped
 * @property referenceFrames see [Normaliser]
 * @property longestStill maximum duration of a frame, in milliseconds
 */
class StreamDescription private constructor(field: JsonField) {
    val policy = field["policy"].text()
    val frames = field["frames"].whole(1..MOST)
    val delay = field["delay"].whole(0..MOST)
    val signature = field["signature"].text()
    val keypoints = field["tensors"]["keypoints"].text()
    val valid = field["tensors"]["valid"].text()
    val scores = field["tensors"]["scores"].text()
    val inputs = shapes(field["inputs"])
    val outputs = shapes(field["outputs"])
    val blank: Int
    val farthest: Float
    val referenceFrames: Int
    val longestStill: Long

    /** Default options of the recogniser. */
    val options: StreamOptions

    private val state = field["tensors"]["state"].text()

    init {
        val recogniser = field["recogniser"]
        blank = recogniser["blank"].whole()
        farthest = recogniser["farthest"].number(0.0).toFloat()
        referenceFrames = recogniser["reference_frames"].whole(1..MOST)
        longestStill = (1000 * recogniser["longest_still"].number(0.0)).toLong()
        options = StreamOptions(
            lookAhead = recogniser["look_ahead"].whole(0..MOST),
            stable = recogniser["stable"].whole(0..MOST),
            rest = RestOptions.read(recogniser),
        )
        for (name in listOf(keypoints, valid)) if (name !in inputs) field["inputs"].fail("has no \"$name\"")
        if (scores !in outputs) field["outputs"].fail("has no \"$scores\"")
        val states = inputs.keys.filter { it.startsWith(state) }
        if (states.size + 2 != inputs.size) field["inputs"].fail("has something that is no state")
        for (name in states) if (outputs[name] != inputs[name]) field["outputs"].fail("has no \"$name\" of its shape")
        if (states.size + 1 != outputs.size) field["outputs"].fail("has something that is no state")
    }

    internal companion object {
        private const val MOST = 1_000_000

        /** @throws org.slrkeras.core.json.JsonException if a field is missing or invalid */
        fun read(field: JsonField) = StreamDescription(field)

        private fun shapes(field: JsonField): Map<String, List<Int>> =
            field.members().mapValues { (_, shape) -> shape.wholes(1..MOST).toList() }
    }
}

/**
 * Options of the recognition of a stream; a bundle holds the defaults.
 *
 * @property lookAhead number of frames to wait for the end of a gap
 * @property stable number of frames that a gloss must stay in the best sequence before it is emitted
 * @property rest rule for the end of sentences
 */
class StreamOptions(val lookAhead: Int, val stable: Int, val rest: RestOptions)
