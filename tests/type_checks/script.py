"""What a user types, as a type checker reads it: nothing here may be an error."""

import numpy as np

import icon_nb as icon

config: icon.Config = icon.Config(method="simclr", temperature=0.1)
results: icon.Results = icon.run(config, epochs=1)
results.animate(projection="pca").save("dynamics.gif")
study: icon.Comparison = icon.sweep(config, temperature=[0.1, 0.5])
again: icon.Comparison = icon.run_recipe("simclr_vs_sne", epochs=1)
recorder = icon.Recorder(labels=np.arange(3))
recorder.record(np.eye(3), loss=0.5)
frames: icon.Trajectory = recorder.trajectory
q = icon.learned.StudentT(df=2.0)
pair = icon.Config(supervisory=icon.supervisory.NearestNeighbors(n_neighbors=5), learned=q)
data = icon.data.load("digits")
z = icon.IconTransformer(config).fit_transform(np.eye(20))
