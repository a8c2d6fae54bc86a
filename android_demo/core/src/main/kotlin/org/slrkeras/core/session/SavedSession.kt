package org.slrkeras.core.session

/*
 * A session as text, which survives a rotation of the screen and the end of the process. Its lines are: "1 paused" or
 * "1 running", the current sentence, the history. A sentence is "gloss TAB confidence TAB gloss ...".
 */

private const val PAUSED = "1 paused"
private const val RUNNING = "1 running"

/** The session as text for [restoredSession]. */
fun Session.saved(): String =
    (listOf(if (paused) PAUSED else RUNNING, line(current)) + history.map { line(it.glosses) }).joinToString("\n")

/** Read a session that [saved] wrote; a text that is null or of another version gives a new session. */
fun restoredSession(text: String?): Session {
    val lines = text?.split('\n') ?: return Session()
    if (lines.size < 2 || lines[0] !in setOf(PAUSED, RUNNING)) return Session()
    return Session(
        current = glosses(lines[1]),
        history = lines.drop(2).map { Sentence(glosses(it)) }.filter { it.glosses.isNotEmpty() },
        paused = lines[0] == PAUSED,
    )
}

private fun line(glosses: List<Gloss>): String =
    glosses.joinToString("\t") { "${escaped(it.name)}\t${it.confidence}" }

private fun glosses(line: String): List<Gloss> =
    line.split('\t').chunked(2).mapNotNull { pair ->
        val confidence = pair.getOrNull(1)?.toFloatOrNull()
        confidence?.let { Gloss(unescaped(pair[0]), it) }
    }

private fun escaped(text: String): String =
    text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")

private fun unescaped(text: String): String {
    val out = StringBuilder()
    var at = 0
    while (at < text.length) {
        val following = if (text[at] == '\\') text.getOrNull(at + 1) else null
        out.append(if (following == null) text[at] else plain(following))
        at += if (following == null) 1 else 2
    }
    return out.toString()
}

private fun plain(following: Char): Char = when (following) {
    't' -> '\t'
    'n' -> '\n'
    else -> following
}
