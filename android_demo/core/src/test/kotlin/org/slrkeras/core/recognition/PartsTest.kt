package org.slrkeras.core.recognition

import org.junit.jupiter.api.Test
import org.slrkeras.core.json.JsonField
import kotlin.test.assertEquals
import kotlin.test.assertTrue

class PartsTest {
    @Test
    fun `gaps are filled and coordinates normalised as in Python`() {
        for (case in Golden.read("landmarks.json").list()) {
            val contract = Contract.read(case["contract"])
            assertEquals(case["digest"].text(), contract.digest)
            val filler = GapFiller(contract, case["look_ahead"].whole())
            val frames = randomStream(case["seed"].whole().toLong(), contract).take(case["frames"].whole())
            val ready = frames.map { filler.push(contract.select(it)) }.toList() + listOf(filler.finish())
            assertEquals(case["ready"].ids(), ready.map { it.size })
            val filled = ready.flatten()
            case["filled"].floats().rows(contract.size).forEachIndexed { number, expected ->
                assertNear(expected, filled[number], "${case.where}, frame $number, filled")
            }
            val normaliser = Normaliser(contract, case["reference_frames"].whole())
            case["normalised"].floats().rows(contract.size).forEachIndexed { number, expected ->
                val found = normaliser.normalise(filled[number])
                assertNear(expected, found, "${case.where}, frame $number, normalised")
            }
        }
    }

    @Test
    fun `frames of any moments come at the rate that Python gives them`() {
        for (case in Golden.read("rates.json").list()) {
            val fps = case["fps"].number()
            val rate = SteadyRate(fps, 60_000)
            val given = ArrayList<Int>()
            case["times"].list().forEachIndexed { number, time ->
                assertTrue(rate.continues(time.number().toLong()))
                rate.push(floatArrayOf(number.toFloat()), time.number().toLong()) { given.add(it[0].toInt()) }
            }
            rate.finish(fps) { given.add(it[0].toInt()) }
            assertEquals(case["given"].ids(), given, case.where)
        }
    }

    @Test
    fun `sentences are cut where Python cuts them`() {
        for (case in Golden.read("endpoints.json").list()) {
            val contract = Contract.read(case["contract"])
            val options = RestOptions.read(case["recogniser"])
            val frames = case["frames"].floats().rows(contract.size)
            val detector = RestDetector(contract, options)
            assertEquals(case["rests"].text(), frames.joinToString("") { if (detector.rests(it)) "1" else "0" })
            val endpointer = Endpointer(RestDetector(contract, options))
            val cuts = frames.map(endpointer::take)
            assertEquals(case["counts"].ids(), cuts.map { it.frames.size }, case.where)
            assertEquals(case["ends"].ids(), cuts.indices.filter { cuts[it].ended }, case.where)
        }
    }

    @Test
    fun `every step is decoded as in Python, and so is the sentence`() {
        for (case in Golden.read("decoding.json").list()) {
            val options = DecodingOptions.read(case["decoding"])
            val languageModel = languageModel(case)
            val decoder = IncrementalCtc.of(CLASSES, 0, options, languageModel)
            val stable = StablePrefix(case["stable"].whole())
            val rows = case["rows"].floats().rows(CLASSES)
            case["steps"].list().forEachIndexed { number, step ->
                val (best, taken, more, confidences) = step.list()
                decoder.advance(rows[number])
                assertEquals(best.ids(), decoder.best, step.where)
                val said = stable.advance(decoder.best)
                assertEquals(taken.whole() to more.ids(), said.taken to said.more, step.where)
                assertEquals(decoder.best, decoder.soFar().ids, step.where)
                assertNear(confidences.numbers(), decoder.soFar().confidences, step.where)
            }
            val (ids, spans, confidences, taken, more) = case["sentence"].list()
            val found = decoder.finish()
            assertEquals(ids.ids() to spans.spans(), found.ids to found.spans, case.where)
            assertNear(confidences.numbers(), found.confidences, case.where)
            val said = stable.finish(found.ids)
            assertEquals(taken.whole() to more.ids(), said.taken to said.more, case.where)
        }
    }

    @Test
    fun `the language model gives every gloss the probability that Python gives it`() {
        val cases = Golden.read("decoding.json").list().filter { it.find("contexts") != null }
        assertEquals(2, cases.size)
        for (case in cases) {
            val model = languageModel(case)!!
            case["contexts"].list().forEachIndexed { number, pair ->
                val (context, expected) = pair.list()
                val found = model.logProbabilities(context.ids())
                assertNear(expected.numbers(), found.toList(), pair.where)
                val sentence = model.sentenceLogProbability(context.ids())
                assertNear(listOf(case["sentences"].numbers()[number]), listOf(sentence), pair.where)
            }
        }
    }

    private fun languageModel(case: JsonField) =
        case["language_model"].takeUnless { it.isNull() }?.let { LanguageModel.read(it, "golden", CLASSES, 0) }

    private companion object {
        const val CLASSES = 7
    }
}
