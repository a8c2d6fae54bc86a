package org.slrkeras.core.session

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class SessionTest {
    private val rain = Gloss("REGEN", 0.9f)
    private val snow = Gloss("SCHNEE", 0.5f)

    @Test
    fun `a finished sentence moves to the history and the next begins empty`() {
        val session = Session().reading(listOf(rain)).finished(Sentence(listOf(rain, snow)))
        assertEquals(emptyList<Gloss>(), session.current)
        assertEquals("REGEN SCHNEE", session.sharedText)
    }

    @Test
    fun `a sentence without glosses leaves no trace`() {
        assertTrue(Session().finished(Sentence(emptyList())).history.isEmpty())
    }

    @Test
    fun `pausing keeps what was under way and lets nothing in`() {
        val paused = Session().reading(listOf(rain)).pause()
        assertEquals(listOf(Sentence(listOf(rain))), paused.history)
        assertEquals(paused, paused.reading(listOf(snow)).finished(Sentence(listOf(snow))))
        assertEquals(listOf(snow), paused.resume().reading(listOf(snow)).current)
    }

    @Test
    fun `clearing forgets sentences and leaves the pause`() {
        assertEquals(Session(paused = true), Session().finished(Sentence(listOf(rain))).pause().clear())
    }

    @Test
    fun `what is shared ends with the sentence under way`() {
        val session = Session().finished(Sentence(listOf(rain))).reading(listOf(snow))
        assertEquals("REGEN\nSCHNEE", session.sharedText)
        assertEquals("", Session().sharedText)
    }

    @Test
    fun `the history does not grow without end`() {
        var session = Session()
        repeat(Session.MAXIMUM_HISTORY + 10) { session = session.finished(Sentence(listOf(Gloss("$it", 1f)))) }
        assertEquals(Session.MAXIMUM_HISTORY, session.history.size)
        assertEquals("10", session.history.first().toString())
    }

    @Test
    fun `a saved session comes back, whatever its glosses are called`() {
        val odd = listOf("a\tb", "line\nbreak", "back\\slash\\t", "", "ÄÖ 手話", "\\").map { Gloss(it, 0.25f) }
        for (session in listOf(
            Session(),
            Session().pause(),
            Session(odd, listOf(Sentence(odd), Sentence(listOf(rain))), paused = true),
        )) {
            assertEquals(session, restoredSession(session.saved()))
        }
    }

    @Test
    fun `what is no saved session begins a new one`() {
        for (text in listOf(null, "", "2 paused\n", "garbage", "1 running")) {
            assertEquals(Session(), restoredSession(text))
        }
        assertEquals(Session(), restoredSession("1 running\nREGEN\tno number"))
    }
}
