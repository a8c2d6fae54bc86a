from slr_keras.data.contract import KeypointContract as KeypointContract, contract as contract
from slr_keras.data.layout import (
    KeypointLayout as KeypointLayout,
    layout as layout,
    list_layouts as list_layouts,
)
from slr_keras.data.loaders.options import ClipOptions as ClipOptions
from slr_keras.data.manifest import (
    FolderWriter as FolderWriter,
    Manifest as Manifest,
    read_folder as read_folder,
    read_manifest as read_manifest,
    write_manifest as write_manifest,
)
from slr_keras.data.pipeline import ClipDataset as ClipDataset
from slr_keras.data.sample import Sample as Sample
from slr_keras.data.vocabulary import Vocabulary as Vocabulary
from slr_keras.decoding import (
    DecodingConfig as DecodingConfig,
    Hypothesis as Hypothesis,
    NgramLanguageModel as NgramLanguageModel,
    decode_batch as decode_batch,
    greedy as greedy,
    prefix_beam as prefix_beam,
)
from slr_keras.enrolment.recogniser import Recogniser as Recogniser
from slr_keras.losses import (
    ctc_loss as ctc_loss,
    distillation_loss as distillation_loss,
    ensemble_log_probabilities as ensemble_log_probabilities,
)
from slr_keras.metrics.alignment import align as align
from slr_keras.metrics.wer import (
    bootstrap_interval as bootstrap_interval,
    word_error_rate as word_error_rate,
)
from slr_keras.models.registry import create_model as create_model, list_models as list_models
from slr_keras.recognition.recogniser import Recognition as Recognition
from slr_keras.training.run import Run as Run
from slr_keras.utils.errors import UserError as UserError

__version__: str
