"""The quality gate's pairs, and how they are scored."""

from __future__ import annotations

from pathlib import Path

from jrerank.models.checkpoint import Checkpoint
from jrerank.models.layout import pair_layout
from jrerank.models.quantize import GateReport, compare
from jrerank.models.session import open_session, run_pair

_PAIR_TOKENS = 512

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


def gate_logits(checkpoint: Checkpoint, graph: Path) -> list[list[float]]:
    """The logits of a graph on the built-in pairs: every query with every passage."""
    layout = pair_layout(checkpoint.tokenizer, checkpoint.config.special_ids)
    session = open_session(graph)
    queries, passages = (_ids(checkpoint, texts) for texts in (QUERIES, PASSAGES))
    longest = min(_PAIR_TOKENS, checkpoint.config.max_positions)
    return [
        [run_pair(session, layout.join(query, passage)[:longest]) for passage in passages]
        for query in queries
    ]


def gate(checkpoint: Checkpoint, exact: Path, quantized: Path) -> GateReport:
    """Compare two graphs of the checkpoint."""
    return compare(gate_logits(checkpoint, exact), gate_logits(checkpoint, quantized))


def _ids(checkpoint: Checkpoint, texts: tuple[str, ...]) -> list[list[int]]:
    return [
        encoding.ids for encoding in checkpoint.tokenizer.encode_batch(list(texts), add_special_tokens=False)
    ]
