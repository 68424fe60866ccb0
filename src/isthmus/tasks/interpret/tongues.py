"""A guess at the language of a few words: by script, or by the commonest words of eleven languages in Latin letters.

A guess for labels, not a language identifier: short passages without any of those words have no language.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable

__all__ = ["language_of", "script_of"]

_COMMON = {
    "English": "the and of to is was that with for his her they he she you it from at which this not are were be",
    "French": "le la les des et est une du que qui dans pour pas sur au ce il elle sont avec plus aux ces ont par vous",
    "German": "der die das und ist nicht ein eine den von mit auf dem zu sich für auch wird werden des im sie es bei",
    "Spanish": "el los las y que en una del por con para se su es al lo como más pero sus está fue son esta ha",
    "Italian": "il di che è e la per un una con del della non sono i le nel alla gli dei anche si da al più ha",
    "Portuguese": "o os do da que e não uma com para em um dos das no na por mais ao se como foi é são pelo pela",
    "Dutch": "de het een van en is dat niet zijn op te voor met die aan er ook bij werd naar om uit wordt hij",
    "Swedish": "och att det som en på är av för med den till inte har de ett om var jag men så han från vi",
    "Polish": "w i na się z nie do to że jest o jak po od za przez dla był które oraz przy tym jego także",
    "Danish": "og det at en den til er som på de med af for ikke der var et har jeg han vi blev også fra",
    "Turkish": "bir ve bu için ile da de olarak çok daha olan gibi sonra kadar ne ama var ise her oldu değil",
}
_KNOWN: dict[str, tuple[str, ...]] = {}
for _name, _words in _COMMON.items():
    for _word in set(_words.split()):
        _KNOWN[_word] = (*_KNOWN.get(_word, ()), _name)
_WORD = re.compile(r"(?<!\w)[^\W\d_]+(?!\w)")
_SCRIPTS = {"CJK": "Chinese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}


def language_of(text: str) -> str | None:
    """Guess the language of a passage in Latin letters; None where nothing speaks for one more than for others.

    Examples
    --------
    >>> language_of("Elle est dans la maison avec les enfants"), language_of("x = y + 1")
    ('French', None)
    """
    votes: defaultdict[str, float] = defaultdict(float)
    for word in set(_WORD.findall(text.lower())):
        for name in _KNOWN.get(word, ()):
            votes[name] += 1 / len(_KNOWN[word])
    ranked = sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))
    if not ranked or ranked[0][1] < 1.5:
        return None
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    return ranked[0][0] if ranked[0][1] >= 1.5 * second else None


def script_of(letters: Iterable[str]) -> str | None:
    """Name the script of most of some letters, None where it is Latin or there are none.

    Examples
    --------
    >>> script_of("Привет"), script_of("caffè"), script_of("12")
    ('Cyrillic', None, None)
    """
    seen: Counter[str] = Counter()
    for letter in letters:
        if letter.isalpha():
            name = unicodedata.name(letter, "UNKNOWN").partition(" ")[0]
            seen[_SCRIPTS.get(name, name.title())] += 1
    if not seen:
        return None
    name = seen.most_common(1)[0][0]
    return None if name == "Latin" else name
