"""The quality gate: compares an engine with an exact one before it may serve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

from jrerank.domain import Window, sigmoid
from jrerank.engines.engine import Engine
from jrerank.errors import EngineError, UnsupportedModel
from jrerank.models.checkpoint import Checkpoint

_WINDOW_TOKENS = 512

QUERIES: tuple[str, ...] = (
    "富士山の標高は何メートルですか",
    "味噌汁の作り方",
    "東京から大阪まで新幹線で何時間かかるか",
    "パスワードを忘れたときの再設定方法",
    "有給休暇は何日もらえるか",
    "インフルエンザの潜伏期間",
)

PASSAGES: tuple[str, ...] = (
    "富士山\n富士山は静岡県と山梨県にまたがる活火山で、標高は3776メートル、日本で最も高い山である。",
    "北岳\n北岳は山梨県南アルプス市にある標高3193メートルの山で、富士山に次いで日本で二番目に高い。",
    "味噌汁\n鍋にだしを入れて火にかけ、豆腐とわかめを加え、火を止めてから味噌を溶き入れる。煮立てると香りが飛ぶ。",
    "味噌\n味噌は大豆に麹と塩を加えて発酵させた調味料で、地域によって米味噌、麦味噌、豆味噌がある。",
    "東海道新幹線\n東京駅と新大阪駅の間は「のぞみ」で約2時間半、「ひかり」で約3時間、「こだま」で約4時間である。",
    "大阪駅\n大阪駅は大阪市北区にある西日本旅客鉄道の駅で、新幹線は隣の新大阪駅に停車する。",
    "ログインできない場合\nログイン画面の「パスワードをお忘れの方」を選び、登録したメールアドレスに届くリンクから新しいパスワードを設定してください。",
    "アカウントの削除\n設定画面の「退会」を選ぶとアカウントとすべてのデータが削除されます。この操作は取り消せません。",
    "労働基準法第三十九条\n使用者は、六箇月間継続勤務し全労働日の八割以上出勤した労働者に対して、十労働日の有給休暇を与えなければならない。",
    "育児休業\n労働者は、その養育する一歳に満たない子について、事業主に申し出ることにより、育児休業をすることができる。",
    "インフルエンザ\n感染してから症状が出るまでの潜伏期間は一日から三日ほどで、突然の高熱、関節痛、倦怠感で始まることが多い。",
    "風邪\n風邪は鼻やのどの急性の炎症で、多くはウイルスが原因である。数日で自然に治ることが多く、"
    + "休養と水分補給が大切である。" * 12,
)


@dataclass(frozen=True, slots=True)
class GateLimits:
    """How far the engine may move a score (0 to 1), and how large a score gap it may turn round."""

    max_score_shift: float
    max_inversion: float


@dataclass(frozen=True, slots=True)
class GateReport:
    """What the gate saw. `score_shift` and `inversion` are the worst of all pairs, in scores."""

    score_shift: float
    inversion: float
    pairs: int

    def passes(self, limits: GateLimits) -> bool:
        """Whether the engine may serve."""
        return self.score_shift <= limits.max_score_shift and self.inversion <= limits.max_inversion

    @classmethod
    def from_json(cls, content: object) -> GateReport:
        """What `as_json` has written.

        Raises:
            ValueError: it was something else.
        """
        if not isinstance(content, dict) or content.keys() != {field.name for field in fields(cls)}:
            raise ValueError("no report of the quality gate")
        for number in content.values():
            if not isinstance(number, (int, float)) or isinstance(number, bool) or not 0 <= number < math.inf:
                raise ValueError(f"{number!r} is not what the quality gate measures")
        return cls(float(content["score_shift"]), float(content["inversion"]), int(content["pairs"]))

    def as_json(self) -> dict[str, float | int]:
        """As it is kept beside the artifact."""
        return asdict(self)


def compare(checkpoint: Checkpoint, exact: Engine, tested: Engine) -> GateReport:
    """Compare two engines of a checkpoint on the gate's texts.

    Raises:
        UnsupportedModel: the exact engine has no logit for some window.
    """
    before, after = gate_logits(checkpoint, exact), gate_logits(checkpoint, tested)
    finite = [[_finite(logit, checkpoint) for logit in row] for row in before]
    return compare_logits(finite, [[_or_nan(logit) for logit in row] for row in after])


def check_finite(checkpoint: Checkpoint, engine: Engine) -> None:
    """Score one window of the gate, so that what can score nothing doesn't start to serve.

    Raises:
        UnsupportedModel: there is no logit.
    """
    _finite(_score(engine, gate_windows(checkpoint)[0][:1])[0], checkpoint)


def gate_logits(checkpoint: Checkpoint, engine: Engine) -> list[list[float | EngineError]]:
    """What an engine says of the gate's texts: every query with every passage."""
    rows = gate_windows(checkpoint)
    logits = iter(_score(engine, [window for row in rows for window in row]))
    return [[next(logits) for _ in row] for row in rows]


def gate_windows(checkpoint: Checkpoint) -> list[list[Window]]:
    """Every query with every passage, as far as the model's positions go."""
    longest = min(_WINDOW_TOKENS, checkpoint.architecture.max_tokens)
    queries, passages = (_ids(checkpoint, texts) for texts in (QUERIES, PASSAGES))
    return [[_window(checkpoint, query, passage, longest) for passage in passages] for query in queries]


def _window(checkpoint: Checkpoint, query: list[int], passage: list[int], longest: int) -> Window:
    window = checkpoint.layout.join(query, passage)
    return Window(window.ids[:longest], window.passage_start)


def _ids(checkpoint: Checkpoint, texts: tuple[str, ...]) -> list[list[int]]:
    return [checkpoint.tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def _score(engine: Engine, windows: Sequence[Window]) -> list[float | EngineError]:
    """As the scheduler does, in threads that are the engine's: it may change how they compute."""
    with ThreadPoolExecutor(engine.workers) as pool:
        return [logit for (logit,) in pool.map(lambda window: engine.score([window]), windows)]


def _finite(logit: float | EngineError, checkpoint: Checkpoint) -> float:
    if isinstance(logit, EngineError):
        raise UnsupportedModel(f"{checkpoint.name} cannot be served: {logit}")
    return logit


def _or_nan(logit: float | EngineError) -> float:
    return math.nan if isinstance(logit, EngineError) else logit


def compare_logits(exact: Sequence[Sequence[float]], tested: Sequence[Sequence[float]]) -> GateReport:
    """Compare logits; one inner sequence for each query of the gate's set.

    An inversion counts with the gap that the exact engine sees between the two passages: passages that it holds for equal may
    change places freely. Where the tested engine has no logit, which is written as NaN, nothing can be worse.
    """
    if any(math.isnan(logit) for logits in tested for logit in logits):
        return GateReport(score_shift=1.0, inversion=1.0, pairs=sum(map(len, exact)))
    shift = inversion = 0.0
    for before_logits, after_logits in zip(exact, tested, strict=True):
        before, after = [sigmoid(x) for x in before_logits], [sigmoid(x) for x in after_logits]
        shift = max(shift, *(abs(a - b) for a, b in zip(before, after, strict=True)))
        inversion = max(inversion, _worst_inversion(before, after))
    return GateReport(score_shift=shift, inversion=inversion, pairs=sum(map(len, exact)))


def _worst_inversion(before: Sequence[float], after: Sequence[float]) -> float:
    gaps = (
        before[i] - before[j]
        for i in range(len(before))
        for j in range(len(before))
        if before[i] > before[j] and after[i] < after[j]
    )
    return max(gaps, default=0.0)
