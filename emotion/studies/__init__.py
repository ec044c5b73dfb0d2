"""What is asked of a trained run beyond a comparison: each study is a request that a run's judge carries out."""
