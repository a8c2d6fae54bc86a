package org.slrkeras.core.recognition

import org.slrkeras.core.json.JsonField
import kotlin.math.ln

private const val FORMAT = "slr_keras gloss language model 1"

/** Token before every sentence in contexts. */
private const val BEGIN = -1

/** Size of the cache of distributions. */
private const val KEPT = 256

/**
 * An n-gram language model of glosses, interpolated Kneser-Ney; `slr_keras/decoding/language_model.py`.
 *
 * @property order order of the longest n-grams
 * @property classes number of classes of the recogniser; the place of the blank holds the end of the sentence
 */
class LanguageModel private constructor(
    val order: Int,
    val classes: Int,
    private val end: Int,
    private val discounts: DoubleArray,
    private val counts: Map<List<Int>, Following>,
) {
    private class Following(val tokens: IntArray, val counts: IntArray) {
        val total = counts.sumOf { it.toLong() }.toDouble()
    }

    private val kept = HashMap<List<Int>, DoubleArray>()

    /** Log-probabilities of the next gloss, given all glosses of the sentence so far. */
    fun logProbabilities(context: List<Int>): DoubleArray {
        val history = if (order > 1) (listOf(BEGIN) + context).takeLast(order - 1) else emptyList()
        return kept[history] ?: distribution(history).also {
            if (kept.size >= KEPT) kept.clear()
            kept[history] = it
        }
    }

    /** Log-probability of a whole sentence, including its end. */
    fun sentenceLogProbability(ids: List<Int>): Double {
        var sum = 0.0
        for (place in 0..ids.size) {
            sum += logProbabilities(ids.subList(0, place))[if (place < ids.size) ids[place] else end]
        }
        return sum
    }

    /** Interpolate from the uniform distribution to ever longer contexts. */
    private fun distribution(history: List<Int>): DoubleArray {
        val probabilities = DoubleArray(classes) { 1.0 / classes }
        for (length in 0..history.size) {
            val following = counts[history.takeLast(length)] ?: continue
            val discount = discounts[length]
            val share = discount * following.tokens.size / following.total
            for (token in probabilities.indices) probabilities[token] *= share
            for ((place, token) in following.tokens.withIndex()) {
                probabilities[token] += (following.counts[place] - discount) / following.total
            }
        }
        for (token in probabilities.indices) probabilities[token] = ln(probabilities[token])
        return probabilities
    }

    companion object {
        /**
         * Read a file of Python's `NgramLanguageModel.save`.
         *
         * @param vocabularyDigest digest of the recogniser's vocabulary
         * @param blank blank class of the recogniser
         * @throws org.slrkeras.core.json.JsonException if the file is damaged, or of another vocabulary
         */
        fun read(field: JsonField, vocabularyDigest: String, classes: Int, blank: Int): LanguageModel {
            field["format"].choice(FORMAT)
            field["vocabulary_digest"].apply {
                if (text() != vocabularyDigest) fail("${text()}, but the recogniser's vocabulary is $vocabularyDigest")
            }
            field["vocabulary_size"].whole(classes..classes)
            val discounts = field["discounts"].list().map { it.number(0.0) }.toDoubleArray()
            val order = field["order"].whole(1..discounts.size)
            if (discounts.any { it <= 0 || it >= 1 }) field["discounts"].fail("must lie between 0 and 1")
            val counts = HashMap<List<Int>, Following>()
            for (entry in field["counts"].list()) {
                val parts = entry.list()
                if (parts.size != 3) entry.fail("must be context, tokens and counts")
                val following = Following(parts[1].wholes(0 until classes), parts[2].wholes(1..Int.MAX_VALUE))
                val (tokens, times) = following.tokens.size to following.counts.size
                if (tokens == 0 || tokens != times) entry.fail("must have a count for each token")
                counts[parts[0].wholes(BEGIN until classes).toList()] = following
            }
            return LanguageModel(order, classes, blank, discounts, counts)
        }
    }
}
