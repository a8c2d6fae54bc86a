package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField

/**
 * The streaming form of a model, as `metadata.json` describes it under `streaming`; `export/lite/streaming.py` writes it.
 *
 * @property frames of a call
 * @property delay calls after the first until the first row of scores that means something
 * @property signature of the model files
 * @property inputs shapes by name
 * @property outputs shapes by name
 * @property blank class of the scores that is no gloss
 * @property farthest coordinates beyond it are a detector's mistake
 * @property referenceFrames see [Normaliser]
 * @property longestStill milliseconds that one frame may last
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

    /** What the recogniser does by default. */
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

        /** @throws org.slrkeras.core.json.JsonException says what is wrong, and where */
        fun read(field: JsonField) = StreamDescription(field)

        private fun shapes(field: JsonField): Map<String, List<Int>> =
            field.members().mapValues { (_, shape) -> shape.wholes(1..MOST).toList() }
    }
}

/**
 * How a stream is recognised; a bundle holds the defaults.
 *
 * @property lookAhead frames that a gap is waited for
 * @property stable frames that a gloss must have been there before it is said
 * @property rest when sentences end
 */
class StreamOptions(val lookAhead: Int, val stable: Int, val rest: RestOptions)
