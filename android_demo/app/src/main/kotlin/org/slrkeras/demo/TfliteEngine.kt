package org.slrkeras.demo

import org.slrkeras.core.engine.ElementType
import org.slrkeras.core.engine.Engine
import org.slrkeras.core.engine.EngineException
import org.slrkeras.core.engine.EngineFactory
import org.slrkeras.core.engine.TensorSpec
import org.tensorflow.lite.DataType
import org.tensorflow.lite.Interpreter
import org.tensorflow.lite.Tensor
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Loads model files with TensorFlow Lite: the one place of the app that knows it. */
object TfliteEngines : EngineFactory {
    override fun load(name: String, bytes: ByteArray, signature: String?, threads: Int): Engine = try {
        val model = direct(bytes.size).apply { put(bytes).rewind() }
        val options = Interpreter.Options().setNumThreads(threads).setUseXNNPACK(true)
        opened(name, Interpreter(model, options), signature)
    } catch (problem: EngineException) {
        throw problem
    } catch (problem: RuntimeException) {
        throw EngineException("$name: ${problem.message}", problem)
    } catch (problem: LinkageError) {
        throw EngineException("$name: TensorFlow Lite has no library for this processor", problem)
    }
}

/** The engine of an interpreter, which is closed if it will not do. */
private fun opened(name: String, interpreter: Interpreter, signature: String?): Engine {
    try {
        interpreter.allocateTensors()
        return TfliteEngine(name, interpreter, signature)
    } catch (problem: RuntimeException) {
        interpreter.close()
        throw problem
    }
}

/** One signature of one model in TensorFlow Lite's interpreter. */
private class TfliteEngine(
    private val name: String,
    private val interpreter: Interpreter,
    private val signature: String?,
) : Engine {
    override val inputs: List<TensorSpec> = if (signature == null) {
        List(interpreter.inputTensorCount) { spec(interpreter.getInputTensor(it)) }
    } else {
        interpreter.getSignatureInputs(signature).map {
            spec(interpreter.getInputTensorFromSignature(it, signature), it)
        }
    }

    override val outputs: List<TensorSpec> = if (signature == null) {
        List(interpreter.outputTensorCount) { spec(interpreter.getOutputTensor(it)) }
    } else {
        interpreter.getSignatureOutputs(signature).map {
            spec(interpreter.getOutputTensorFromSignature(it, signature), it)
        }
    }

    private val inputBuffers = inputs.map { direct(it.size * ELEMENT_BYTES) }
    private val outputBuffers = outputs.map { direct(it.size * ELEMENT_BYTES) }

    override fun run(values: List<Any>, results: List<Any>) {
        requireSizes("input", inputs, values)
        requireSizes("output", outputs, results)
        values.forEachIndexed { index, value -> fill(inputBuffers[index], value) }
        outputBuffers.forEach { it.clear() }
        try {
            if (signature == null) {
                val byIndex = outputBuffers.withIndex().associate { it.index to it.value }
                interpreter.runForMultipleInputsOutputs(inputBuffers.toTypedArray(), byIndex)
            } else {
                interpreter.runSignature(named(inputs, inputBuffers), named(outputs, outputBuffers), signature)
            }
        } catch (problem: RuntimeException) {
            throw EngineException("$name: ${problem.message}", problem)
        }
        results.forEachIndexed { index, result -> read(outputBuffers[index], result) }
    }

    override fun close() = interpreter.close()

    private fun spec(tensor: Tensor, called: String = tensor.name()): TensorSpec {
        val type = when (tensor.dataType()) {
            DataType.FLOAT32 -> ElementType.FLOAT32
            DataType.INT32 -> ElementType.INT32
            else -> throw EngineException("$name: tensor $called is of type ${tensor.dataType()}")
        }
        return TensorSpec(called, tensor.shape(), type)
    }

    private fun requireSizes(what: String, specs: List<TensorSpec>, arrays: List<Any>) {
        if (specs.size != arrays.size) throw EngineException("$name: ${arrays.size} ${what}s for ${specs.size}")
        for ((spec, array) in specs.zip(arrays)) {
            val fits = when (array) {
                is FloatArray -> spec.type == ElementType.FLOAT32 && array.size == spec.size
                is IntArray -> spec.type == ElementType.INT32 && array.size == spec.size
                else -> false
            }
            if (!fits) throw EngineException("$name: the $what $spec was given another type or size")
        }
    }

    private fun named(specs: List<TensorSpec>, buffers: List<ByteBuffer>): Map<String, Any> =
        specs.indices.associate { specs[it].name to buffers[it] }

    private fun fill(buffer: ByteBuffer, value: Any) {
        buffer.clear()
        if (value is FloatArray) buffer.asFloatBuffer().put(value) else buffer.asIntBuffer().put(value as IntArray)
    }

    private fun read(buffer: ByteBuffer, into: Any) {
        buffer.rewind()
        if (into is FloatArray) buffer.asFloatBuffer().get(into) else buffer.asIntBuffer().get(into as IntArray)
    }
}

private const val ELEMENT_BYTES = 4

private fun direct(bytes: Int): ByteBuffer = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
