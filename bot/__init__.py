"""The Rasa runtime: NLU components, channel, tracker store, patches and launcher; runs on Python 3.10 with Rasa 3.6.21."""
