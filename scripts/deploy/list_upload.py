"""Prints the files that `gcloud app deploy` would upload, one a line, by asking the SDK's own code.

    CLOUDSDK_ROOT_DIR=... python3 list_upload.py FOLDER

It is less than `gcloud meta list-files-for-upload` says: a deploy leaves out what .dockerignore names too. The
SDK reads the lines of that file in no order, so exceptions (`!`) in it work at random.
"""

import os
import sys

sdk = os.environ["CLOUDSDK_ROOT_DIR"]
sys.path[0:0] = [os.path.join(sdk, "lib"), os.path.join(sdk, "lib", "third_party")]

from googlecloudsdk.api_lib.app import cloud_build, env  # noqa: E402
from googlecloudsdk.command_lib.app import source_files_util  # noqa: E402

folder = sys.argv[1]
sources = source_files_util.GetSourceFiles(folder, "", False, "custom", env.FLEX, folder)
exclusions = cloud_build._GetDockerignoreExclusions(folder, {})
print("\n".join(sorted(cloud_build._GetIncludedPaths(folder, sources, exclusions))))
