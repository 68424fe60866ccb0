"""Language models to test with: tiny random ones with tokenizers of their own, and stories260K where it is at hand."""

import sys
from pathlib import Path

import pytest

from isthmus.nets.language import Language

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
sys.path[:0] = [str(ROOT / "benchmarks"), str(Path(__file__).parent)]

ENGLISH = [
    "The cat sat on the mat and looked at the moon.",
    "Once upon a time there was a little boat on a wide river.",
    "She opened the window; the morning was cold, and nobody was there.",
    "A baker had three sons, and each of them wanted to see the sea.",
    "It rained all day, so we stayed at home and read.",
    "Where is the key? It lies under the third stone.",
]
FRENCH = [
    "Le chat est sur la table et regarde la lune.",
    "Il était une fois un petit bateau sur un grand fleuve.",
    "Elle ouvrit la fenêtre ; le matin était froid, et personne n'était là.",
    "Un boulanger avait trois fils, et chacun d'eux voulait voir la mer.",
    "Il a plu toute la journée, nous sommes restés à la maison.",
    "Où est la clé ? Elle est sous la troisième pierre.",
]


def _tokenizer(start: bool):
    """Learn a small tokenizer of bytes; with `start`, one that puts a first token before every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    learn = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
    made.train_from_iterator(ENGLISH + FRENCH, learn)
    if start:
        made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")


def _save(model, folder: Path, start: bool) -> Path:
    model.save_pretrained(folder)
    _tokenizer(start).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def llama_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of three layers, 32 wide, whose tokenizer starts every text with <s>."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(1)
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
        config = LlamaConfig(vocab_size=400, num_key_value_heads=2, max_position_embeddings=128, **sizes)
        config.bos_token_id, config.eos_token_id = 0, 1
        model = LlamaForCausalLM(config)
    return _save(model, tmp_path_factory.mktemp("lm") / "tiny-llama", start=True)


@pytest.fixture(scope="session")
def gpt2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 of three layers, 32 wide, whose tokenizer adds nothing to a text."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(2)
        config = GPT2Config(vocab_size=400, n_embd=32, n_layer=3, n_head=4, n_positions=128)
        config.bos_token_id, config.eos_token_id = 0, 1
        model = GPT2LMHeadModel(config)
    return _save(model, tmp_path_factory.mktemp("lm") / "tiny-gpt2", start=False)


@pytest.fixture(scope="session", params=["llama", "gpt2"])
def lm_folder(request: pytest.FixtureRequest) -> Path:
    """Each tiny model in turn, as a folder."""
    return request.getfixturevalue(f"{request.param}_folder")


@pytest.fixture(scope="session")
def language(lm_folder: Path) -> Language:
    """Each tiny model in turn, opened."""
    return Language.open(lm_folder)


@pytest.fixture(scope="session")
def llama(llama_folder: Path) -> Language:
    """The tiny Llama, opened."""
    return Language.open(llama_folder)


@pytest.fixture(scope="session")
def stories_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained stories260K as a folder; skipped where it is not at hand."""
    source = DATA / "lm_stories260k"
    if not (source / "stories260K.bin").is_file():
        pytest.skip(f"needs {source}")
    from stories import write_stories

    return write_stories(source, tmp_path_factory.mktemp("lm") / "stories260k")


@pytest.fixture
def texts(tmp_path: Path) -> list[Path]:
    """Two files of sentences, a sentence a line, English and French."""
    files = []
    for name, lines in (("en.txt", ENGLISH), ("fr.txt", FRENCH)):
        (tmp_path / name).write_text("\n".join(lines * 3) + "\n", encoding="utf-8")
        files.append(tmp_path / name)
    return files
