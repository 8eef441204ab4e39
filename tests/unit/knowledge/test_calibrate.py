"""Choosing the threshold by cost, and fitting the weights of the voices."""

from __future__ import annotations

import numpy as np

from chebao.knowledge.calibrate import MOST_WRONG, choose, curve, fit_voices, plot
from chebao.knowledge.index import VOICES, Voices
from chebao.knowledge.weighing import Weighing, likelihoods

# Certainty, and whether the answer would be right: 80 sure and right, 3 sure and wrong, 10 less sure and wrong.
MARKS = [(0.9, True)] * 80 + [(0.8, False)] * 3 + [(0.4, False)] * 10 + [(0.0, False)] * 7


def test_the_curve_counts_right_wrong_and_asked_back() -> None:
    points = {point.certain: point for point in curve(MARKS)}
    assert (points[0.3].right, points[0.3].wrong, points[0.3].asked) == (0.8, 0.13, 0.07)
    assert (points[0.5].right, points[0.5].wrong, points[0.5].asked) == (0.8, 0.03, 0.17)
    assert points[0.5].cost == 5 * 0.03 + 0.17


def test_a_wrong_answer_costs_more_than_asking_back() -> None:
    chosen = choose(curve(MARKS))
    assert chosen.wrong == 0.0
    assert chosen.right == 0.8
    assert 0.8 < chosen.certain <= 0.9


def test_too_many_wrong_answers_are_never_chosen() -> None:
    marks = [(0.9, True)] * 90 + [(0.7, False)] * 5 + [(0.6, True)] * 5
    assert choose(curve(marks)).wrong <= MOST_WRONG
    hopeless = [(0.95, False)] * 50 + [(0.5, False)] * 50
    assert choose(curve(hopeless)).wrong == 0.5


def test_the_picture_shows_the_choice() -> None:
    points = curve(MARKS)
    picture = plot(points, choose(points))
    assert picture.startswith("<svg")
    assert f"certainty {choose(points).certain}" in picture


def test_the_voice_that_tells_gets_the_weight() -> None:
    generator = np.random.default_rng(7)
    asked = []
    for number in range(200):
        rows = generator.normal(0, 0.1, (5, len(VOICES))).astype(np.float32)
        meant = number % 6
        if meant < 5:
            rows[meant, 0] += 1
        asked.append((Voices(rows, 1.0 if meant == 5 else 0.0), meant))
    weights, other = fit_voices(asked)
    assert weights.argmax() == 0
    weighing = Weighing(weights, other, 0.5, 0.5)
    right = [int(likelihoods(weighing.scores(voices)).argmax()) == meant for voices, meant in asked]
    assert sum(right) >= 195
