"""Gloss language models: context vectors of gloss prefixes for the recogniser."""

from slr_keras.models.gloss_lm.bert import BertContext
from slr_keras.models.gloss_lm.bert_preset import load_bert, preset_digest, preset_sizes
from slr_keras.models.gloss_lm.causal import CausalLanguageModel
from slr_keras.models.gloss_lm.interface import GlossLanguageModel
from slr_keras.models.gloss_lm.storage import load_language_model, save_language_model
from slr_keras.models.gloss_lm.text import gloss_text
from slr_keras.models.gloss_lm.vector_files import gloss_vectors, read_word_vectors
from slr_keras.models.gloss_lm.word_vectors import WordVectorLanguageModel

__all__ = [
    "BertContext",
    "CausalLanguageModel",
    "GlossLanguageModel",
    "WordVectorLanguageModel",
    "gloss_text",
    "gloss_vectors",
    "load_bert",
    "load_language_model",
    "preset_digest",
    "preset_sizes",
    "read_word_vectors",
    "save_language_model",
]
