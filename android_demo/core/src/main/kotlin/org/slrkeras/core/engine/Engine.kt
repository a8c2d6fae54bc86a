package org.slrkeras.core.engine

/** What one element of a tensor is. */
enum class ElementType { FLOAT32, INT32 }

/**
 * Name, shape and type of one input or output of a model file.
 *
 * The shape is static: the models of this project have no free dimension.
 */
class TensorSpec(val name: String, val shape: IntArray, val type: ElementType) {
    /** Number of elements. */
    val size: Int get() = shape.fold(1) { product, side -> product * side }

    override fun toString() = "$name ${shape.joinToString("x", "[", "]")} $type"
}

/**
 * One signature of one model file, loaded and ready to run: all that `core` knows of TensorFlow Lite.
 *
 * Not safe for use from several threads at once.
 */
interface Engine : AutoCloseable {
    /** Inputs, in the order in which [run] takes them. */
    val inputs: List<TensorSpec>

    /** Outputs, in the order in which [run] fills them. */
    val outputs: List<TensorSpec>

    /**
     * Run the model once.
     *
     * @param values a FloatArray or an IntArray for each input, flat, row-major, of the size that its spec tells
     * @param results a FloatArray or an IntArray for each output; what stands in them is overwritten
     * @throws EngineException if the model refuses the values or fails
     */
    fun run(values: List<Any>, results: List<Any>)
}

/** The model could not be loaded or run; the message says which file and why. */
class EngineException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** Loads model files. */
fun interface EngineFactory {
    /**
     * Load one signature of the model in [bytes].
     *
     * @param name file name, for messages
     * @param signature key of the signature, or null for a file that has one graph and no signature
     * @param threads at most so many threads compute
     */
    fun load(name: String, bytes: ByteArray, signature: String?, threads: Int): Engine
}
